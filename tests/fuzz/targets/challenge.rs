//! `WWW-Authenticate` values of a service that may be hostile.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valetkey_azure_devops::challenge;

fuzz_target!(|text: &str| {
    for found in challenge::parse(text.split('\n')) {
        let _ = found.param("authorization_uri");
        let _ = found.claims();
    }
});
