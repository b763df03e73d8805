use std::process::Command;

use super::*;

const CLIENT: &str = "0a1b2c3d-0000-4000-8000-00000000c11e";
const ENDPOINT: &str = "https://login.microsoftonline.com/t/oauth2/v2.0/token";

/// A certificate and its key, made by OpenSSL as Microsoft's pages tell people to.
fn made(folder: &std::path::Path, arguments: &[&str]) -> String {
    let (key, certificate) = (folder.join("key.pem"), folder.join("cert.pem"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-days", "2", "-subj", "/CN=machine", "-keyout"]).arg(&key);
    let out = command.arg("-out").arg(&certificate).args(arguments).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    [key, certificate].map(|file| std::fs::read_to_string(file).unwrap()).concat()
}

fn signed(pem: &str) -> Result<SecretString, SignInError> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    assertion(&pem.to_owned().into(), CLIENT, ENDPOINT, now)
}

#[test]
fn openssl_verifies_what_was_signed() {
    let folder = tempfile::tempdir().unwrap();
    let pem = made(folder.path(), &["-newkey", "rsa:2048", "-nodes"]);
    let assertion = signed(&pem).unwrap();
    let assertion = assertion.expose_secret();
    let (content, signature) = assertion.rsplit_once('.').unwrap();
    let (header, claims) = content.split_once('.').unwrap();
    let read = |part| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (header, claims) = (read(header), read(claims));

    let [content_file, signature_file, public] =
        ["content", "signature", "public"].map(|it| folder.path().join(it));
    std::fs::write(&content_file, content).unwrap();
    std::fs::write(&signature_file, URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let openssl = |arguments: &[&str]| {
        Command::new("openssl").current_dir(folder.path()).args(arguments).output().unwrap()
    };
    let out = openssl(&["x509", "-in", "cert.pem", "-noout", "-pubkey"]);
    std::fs::write(public, out.stdout).unwrap();
    let out = openssl(&[
        "dgst",
        "-sha256",
        "-sigopt",
        "rsa_padding_mode:pss",
        "-sigopt",
        "rsa_pss_saltlen:digest",
        "-verify",
        "public",
        "-signature",
        "signature",
        "content",
    ]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));

    let out = openssl(&["x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha256"]);
    let shown = String::from_utf8(out.stdout).unwrap();
    let hex = shown.trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase();
    let thumbprint = URL_SAFE_NO_PAD.decode(header["x5t#S256"].as_str().unwrap()).unwrap();
    assert_eq!(thumbprint.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat(), hex);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("PS256"), &json!("JWT")));
    assert_eq!(
        (&claims["aud"], &claims["iss"], &claims["sub"]),
        (&json!(ENDPOINT), &json!(CLIENT), &json!(CLIENT))
    );
    assert_eq!((&claims["nbf"], &claims["exp"]), (&json!(1_800_000_000), &json!(1_800_000_300)));
    let again = signed(&pem).unwrap();
    assert_ne!(again.expose_secret(), assertion, "each has an id of its own");
}

#[test]
fn every_unusable_file_has_its_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let good = made(folder.path(), &["-newkey", "rsa:2048", "-nodes"]);
    let (key, certificate) = good.split_once("-----BEGIN CERTIFICATE").unwrap();
    let certificate = format!("-----BEGIN CERTIFICATE{certificate}");
    let elliptic = made(folder.path(), &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    let locked = made(folder.path(), &["-newkey", "rsa:2048", "-passout", "pass:canary"]);
    let none = "there is no private key in PEM in the file, or it is encrypted";
    let other = "the private key is not an RSA key of 2048 bits or more";
    for (pem, expected) in [
        ("", "there is no certificate in PEM in the file"),
        (key, "there is no certificate in PEM in the file"),
        (
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
            "there is no certificate in PEM in the file",
        ),
        (&certificate, none),
        (&locked, none),
        (&elliptic, other),
        (&format!("{certificate}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), other),
    ] {
        let error = signed(pem).unwrap_err();
        assert_eq!(error.sentence, expected);
        assert_eq!(error.hint, "put the certificate and its unencrypted RSA key there, in PEM");
    }
}
