//! Frames of the agent's protocol, as either side reads them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valetkey_protocol::{Answer, Hello, Request, Welcome, read_frame};

fuzz_target!(|bytes: &[u8]| {
    let _ = read_frame::<Request>(bytes);
    let _ = read_frame::<Answer>(bytes);
    let _ = read_frame::<Hello>(bytes);
    let _ = read_frame::<Welcome>(bytes);
});
