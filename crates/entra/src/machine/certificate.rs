//! A service principal's certificate as its proof (Microsoft: "Application authentication certificate credentials").

use std::time::{Duration, SystemTime};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeyPair,
    signature::RSA_PSS_SHA256,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use valetkey_protocol::{ExposeSecret as _, SecretString};

use crate::{SignInError, random, sign_in::misconfigured};

/// How long an assertion is good for, in seconds: it is shown once, at once.
const LIFE: u64 = 300;

/// A signed statement that `client_id` asks at `endpoint`, by the first certificate and the private key in `pem`.
pub(crate) fn assertion(
    pem: &SecretString,
    client_id: &str,
    endpoint: &str,
    now: SystemTime,
) -> Result<SecretString, SignInError> {
    let bytes = pem.expose_secret().as_bytes();
    let certificate = CertificateDer::from_pem_slice(bytes)
        .map_err(|_| unusable("there is no certificate in PEM in the file"))?;
    let key = PrivateKeyDer::from_pem_slice(bytes)
        .map_err(|_| unusable("there is no private key in PEM in the file, or it is encrypted"))?;
    let key = match &key {
        PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
        _ => return Err(unusable("the private key is not an RSA key")),
    };
    let key = key.map_err(|_| unusable("the private key is not an RSA key of 2048 bits or more"))?;
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate));
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint});
    let claims = json!({
        "aud": endpoint, "iss": client_id, "sub": client_id, "jti": random::correlation_id()?,
        "iat": now, "nbf": now, "exp": now + LIFE,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| unusable("nothing can be signed with the private key"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
}

fn unusable(sentence: &str) -> SignInError {
    misconfigured(sentence, "put the certificate and its unencrypted RSA key there, in PEM")
}

#[cfg(test)]
mod tests;
