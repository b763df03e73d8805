//! What applications that are not people prove themselves with.

use anyhow::{Context as _, Result};
use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{arc::Arc, world::World};

/// Whom federated tokens must be for (Microsoft: "Workload identity federation").
pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";
/// The longest life of an assertion that is taken, in seconds.
const LONGEST: i64 = 600;

/// A federated credential: whose tokens an application trusts.
#[derive(Debug, Clone)]
struct Federation {
    client_id: String,
    issuer: String,
    subject: String,
}

/// A certificate of an application.
#[derive(Debug, Clone)]
struct Certificate {
    client_id: String,
    thumbprint: String,
    /// PKCS #1.
    public_key: Vec<u8>,
    /// The private key's PEM.
    secret: String,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Machines {
    federations: Vec<Federation>,
    certificates: Vec<Certificate>,
    /// Identifiers of assertions that were shown.
    shown: Vec<String>,
    header: Option<String>,
    pub(crate) arc: Arc,
}

impl Machines {
    pub(crate) fn federate(&mut self, client_id: &str, issuer: &str, subject: &str) {
        let [client_id, issuer, subject] = [client_id, issuer, subject].map(str::to_owned);
        self.federations.push(Federation { client_id, issuer, subject });
    }

    /// The `IDENTITY_HEADER` of the app service.
    pub(crate) fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    pub(crate) fn set_header(&mut self, header: &str) {
        self.header = Some(header.to_owned());
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &String> {
        let keys = self.certificates.iter().map(|certificate| &certificate.secret);
        self.header.iter().chain(keys).chain(self.arc.secrets())
    }
}

/// Gives an application a certificate: both parts, in PEM.
pub(crate) fn certify(world: &mut World, client_id: &str) -> Result<String> {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).context("an RSA key")?;
    let certificate = CertificateParams::new(vec!["machine.example".to_owned()])?.self_signed(&key)?;
    let secret = key.serialize_pem();
    let pem = format!("{}{secret}", certificate.pem());
    world.machines.certificates.push(Certificate {
        client_id: client_id.to_owned(),
        thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der())),
        public_key: key.public_key_raw().to_vec(),
        secret,
    });
    Ok(pem)
}

/// Whether this application is proved by this assertion; otherwise the name of Entra's refusal.
pub(crate) fn check(world: &mut World, client_id: &str, assertion: &str) -> Result<(), &'static str> {
    let now = world.now();
    if let Some(token) = world.oidc.token(assertion) {
        let token = token.clone();
        let known: Vec<_> =
            world.machines.federations.iter().filter(|known| known.client_id == client_id).collect();
        let issuers: Vec<_> = known.iter().filter(|known| known.issuer == token.issuer).collect();
        if known.is_empty() {
            return Err("federation_missing");
        }
        if issuers.is_empty() {
            return Err("federation_issuer");
        }
        if token.audience != AUDIENCE {
            return Err("federation_audience");
        }
        if !issuers.iter().any(|known| known.subject == token.subject) {
            return Err("federation_subject");
        }
        if token.expires <= now {
            return Err("assertion_expired");
        }
        // The cluster's file is read many times; a job asks for a new token each time.
        if token.used && token.issuer != crate::oidc::KUBERNETES {
            return Err("assertion_replayed");
        }
        if let Some(token) = world.oidc.token(assertion) {
            token.used = true;
        }
        return Ok(());
    }
    signed(world, client_id, assertion)
}

fn signed(world: &mut World, client_id: &str, assertion: &str) -> Result<(), &'static str> {
    let malformed = "assertion_malformed";
    let (content, signature) = assertion.rsplit_once('.').ok_or(malformed)?;
    let (header, claims) = content.split_once('.').ok_or(malformed)?;
    let read =
        |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let (header, claims) = read(header).zip(read(claims)).ok_or(malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
    if header["alg"] != "PS256" {
        return Err(malformed);
    }
    let known = world.machines.certificates.iter().find(|known| {
        known.client_id == client_id && header["x5t#S256"].as_str() == Some(known.thumbprint.as_str())
    });
    let key =
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &known.ok_or("certificate_unknown")?.public_key);
    key.verify(content.as_bytes(), &signature).map_err(|_| "certificate_unknown")?;
    let audience = claims["aud"].as_str().unwrap_or_default();
    let mine = audience.starts_with(&world.urls.login) && audience.ends_with("/oauth2/v2.0/token");
    if !mine || claims["iss"] != client_id || claims["sub"] != client_id {
        return Err(malformed);
    }
    let (from, to) = claims["nbf"].as_i64().zip(claims["exp"].as_i64()).ok_or(malformed)?;
    let now = world.now().seconds();
    if now < from - 60 || now >= to || to - from > LONGEST {
        return Err("assertion_expired");
    }
    let id = claims["jti"].as_str().filter(|id| !id.is_empty()).ok_or(malformed)?.to_owned();
    if world.machines.shown.contains(&id) {
        return Err("assertion_replayed");
    }
    world.machines.shown.push(id);
    Ok(())
}
