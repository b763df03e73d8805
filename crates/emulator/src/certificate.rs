//! The throw-away authority, the hosts' certificate, and the key that signs id_tokens.

use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, SigningKey, date_time_ymd,
};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::random::hex;

const NAMES: &[&str] = &[
    "localhost",
    "127.0.0.1",
    "::1",
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "vssps.dev.azure.com",
    "app.vssps.visualstudio.com",
    "dev.azure.com",
    "*.visualstudio.com",
    "pkgs.dev.azure.com",
    "*.pkgs.visualstudio.com",
    "management.azure.com",
    "www.nuget.org",
    "nuget.org",
    "api.nuget.org",
    "vssps.dev.azure.com.evil.example",
    "evilvssps.dev.azure.com",
    "pkgs.dev.azure.com.evil.example",
    "evilpkgs.dev.azure.com",
    "www.nuget.org.evil.example",
];

/// What a host shows of itself when somebody connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certificate {
    /// A good one.
    #[default]
    Good,
    /// One for `elsewhere.example`.
    WrongName,
    /// One that ended in 2021.
    Expired,
    /// One that begins in 2090.
    NotYetValid,
}

/// A fresh authority and server configurations under it.
pub(crate) struct Tls {
    pub(crate) ca_pem: String,
    pub(crate) servers: Servers,
}

/// A server configuration for each [`Certificate`].
pub(crate) struct Servers {
    good: Arc<ServerConfig>,
    wrong_name: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    not_yet_valid: Arc<ServerConfig>,
}

impl Servers {
    pub(crate) fn showing(&self, certificate: Certificate) -> Arc<ServerConfig> {
        Arc::clone(match certificate {
            Certificate::Good => &self.good,
            Certificate::WrongName => &self.wrong_name,
            Certificate::Expired => &self.expired,
            Certificate::NotYetValid => &self.not_yet_valid,
        })
    }
}

impl Tls {
    pub(crate) fn generate() -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate()?;
        // Stores keep authorities by name, so each run's needs one of its own.
        let mark = hex(&Sha256::digest(authority_key.public_key_raw())[..4]);
        let name = format!("Valetkey emulator, throw-away authority {mark}");
        authority.distinguished_name.push(DnType::CommonName, name);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_pem = authority.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let servers = Servers {
            good: server(&issuer, NAMES, None)?,
            wrong_name: server(&issuer, &["elsewhere.example"], None)?,
            expired: server(&issuer, NAMES, Some((2020, 2021)))?,
            not_yet_valid: server(&issuer, NAMES, Some((2090, 2091)))?,
        };
        Ok(Self { ca_pem, servers })
    }
}

/// A server with a certificate for these names, good from the first year's January to the second's, or always.
fn server(
    issuer: &Issuer<'_, KeyPair>,
    names: &[&str],
    years: Option<(i32, i32)>,
) -> Result<Arc<ServerConfig>> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, "Valetkey emulator");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    if let Some((from, to)) = years {
        leaf.not_before = date_time_ymd(from, 1, 1);
        leaf.not_after = date_time_ymd(to, 1, 1);
    }
    let leaf_key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&leaf_key, issuer)?;
    let key = PrivateKeyDer::try_from(leaf_key.serialize_der()).map_err(anyhow::Error::msg)?;
    let server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .context("the emulator's certificate")?;
    Ok(Arc::new(server))
}

/// Signs id_tokens with RS256. One key serves all emulators of a process: making it takes a moment.
pub(crate) struct Signer {
    key: KeyPair,
    key_id: String,
}

impl Signer {
    pub(crate) fn shared() -> Result<&'static Self> {
        static SIGNER: OnceLock<Signer> = OnceLock::new();
        if let Some(signer) = SIGNER.get() {
            return Ok(signer);
        }
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
        let key_id = URL_SAFE_NO_PAD.encode(&Sha256::digest(key.public_key_pem())[..20]);
        Ok(SIGNER.get_or_init(|| Self { key, key_id }))
    }

    /// A signed JWT of these claims.
    pub(crate) fn jwt(&self, claims: &Value) -> Result<String> {
        let header = json!({"typ": "JWT", "alg": "RS256", "kid": self.key_id});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self.key.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The key set that clients verify against (RFC 7517).
    pub(crate) fn key_set(&self) -> Option<Value> {
        let (modulus, exponent) = rsa_numbers(self.key.public_key_raw())?;
        Some(json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.key_id,
            "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(exponent),
        }]}))
    }
}

/// Modulus and exponent of a PKCS #1 `RSAPublicKey` (RFC 8017 §A.1.1).
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = der_value(der, 0x30)?;
    let (modulus, rest) = der_value(sequence, 0x02)?;
    let (exponent, _) = der_value(rest, 0x02)?;
    Some((modulus.strip_prefix(&[0]).unwrap_or(modulus), exponent))
}

fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_set_holds_a_2048_bit_key() {
        let signer = Signer::shared().expect("key");
        let (modulus, exponent) = rsa_numbers(signer.key.public_key_raw()).expect("RSAPublicKey");
        assert_eq!((modulus.len(), exponent), (256, &[1, 0, 1][..]));
        assert_eq!(signer.jwt(&json!({"sub": "x"})).expect("jwt").split('.').count(), 3);
    }
}
