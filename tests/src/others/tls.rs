//! A throw-away certificate authority, and a certificate for `localhost`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// Where its files lie.
#[derive(Debug)]
pub struct Tls {
    /// The authority, as PEM.
    pub authority_pem: String,
    /// The same, as a file.
    pub authority: PathBuf,
    /// The certificate of the servers.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Tls {
    /// A fresh authority, its files in `folder`.
    pub fn generate(folder: &Path) -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_key = KeyPair::generate()?;
        authority.distinguished_name.push(DnType::CommonName, "Servers of others, throw-away authority");
        let authority_pem = authority.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let mut leaf = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        leaf.use_authority_key_identifier_extension = true;
        let leaf_key = KeyPair::generate()?;
        let certificate_pem = leaf.signed_by(&leaf_key, &issuer)?.pem();

        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).map(|()| path)
        };
        Ok(Self {
            authority: file("authority.pem", &authority_pem)?,
            certificate: file("server.pem", &certificate_pem)?,
            key: file("server.key", &leaf_key.serialize_pem())?,
            authority_pem,
        })
    }
}
