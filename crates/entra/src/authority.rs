//! Who may be asked to sign somebody in: a closed list, and the one that the configuration names.

use valetkey_http::{Url, is_loopback};

use crate::{SignInError, SignInErrorKind};

/// Hosts of Microsoft Entra, aliases of one cloud in a row, the one to talk to first.
/// Microsoft: "National clouds" and the instance list of MSAL.
const CLOUDS: [&[&str]; 6] = [
    &["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
    &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    &["login.sovcloud-identity.fr"],
    &["login.sovcloud-identity.de"],
    &["login.sovcloud-identity.sg"],
];

/// An identity provider that passwords may be typed at and refresh tokens sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    origin: Url,
}

impl Default for Authority {
    fn default() -> Self {
        Self::known(CLOUDS[0][0]).unwrap_or_else(|| unreachable!("the first host of the list is on the list"))
    }
}

impl Authority {
    /// The authority behind a host name of Microsoft's, aliases resolved. `None` for every other host.
    pub fn known(host: &str) -> Option<Self> {
        let cloud = CLOUDS.iter().find(|cloud| cloud.contains(&host))?;
        let origin = Url::parse(&format!("https://{}/", cloud[0])).ok()?;
        Some(Self { origin })
    }

    /// The authority that the configuration names: `https://HOST[:PORT]`, or `http` on loopback.
    pub fn configured(address: &str) -> Result<Self, SignInError> {
        let wrong = || {
            SignInError::new(
                SignInErrorKind::Misconfigured,
                "`[entra] authority` is not the address of an identity provider",
                "write it as `https://login.microsoftonline.com`",
            )
        };
        let origin = Url::parse(address).map_err(|_| wrong())?;
        let plain = origin.path() == "/" && origin.query().is_none() && origin.fragment().is_none();
        let nobody = origin.username().is_empty() && origin.password().is_none();
        let safe = origin.scheme() == "https" || origin.scheme() == "http" && is_loopback(&origin);
        if !(plain && nobody && safe) {
            return Err(wrong());
        }
        let host = origin.host_str().unwrap_or_default();
        Ok(match Self::known(host) {
            Some(known) if origin.port().is_none() && origin.scheme() == "https" => known,
            _ => Self { origin },
        })
    }

    /// Whether an address from outside (a challenge's `authorization_uri`) is at this authority or an alias of it.
    pub fn admits(&self, address: &Url) -> bool {
        let same = self.origin.origin() == address.origin();
        let alias = address.scheme() == "https" && address.port().is_none();
        same || alias && address.host_str().and_then(Self::known).is_some_and(|known| known == *self)
    }

    /// `host` or `host:port`, for people.
    pub fn host(&self) -> String {
        let host = self.origin.host_str().unwrap_or_default();
        self.origin.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// An endpoint of version 2, for example `token`, of a tenant whose name has been checked.
    pub(crate) fn endpoint(&self, tenant: &str, name: &str) -> String {
        format!("{}{tenant}/oauth2/v2.0/{name}", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_one_authority() {
        for alias in CLOUDS[0] {
            assert_eq!(Authority::known(alias), Some(Authority::default()));
            assert_eq!(Authority::configured(&format!("https://{alias}")).unwrap(), Authority::default());
            let challenge = format!("https://{alias}/0000/oauth2/authorize");
            assert!(Authority::default().admits(&Url::parse(&challenge).unwrap()));
        }
    }

    #[test]
    fn clouds_are_kept_apart() {
        let government = Authority::known("login.microsoftonline.us").unwrap();
        assert_ne!(government, Authority::default());
        assert!(!government.admits(&Url::parse("https://login.windows.net/common").unwrap()));
    }

    #[test]
    fn look_alikes_are_not_known() {
        for host in [
            "login.microsoftonline.com.evil",
            "evillogin.microsoftonline.com",
            "microsoftonline.com",
            "LOGIN.windows.net",
            "login.windows.net.",
            "",
        ] {
            assert_eq!(Authority::known(host), None, "{host}");
        }
        for url in
            ["http://login.windows.net/", "https://login.windows.net:444/", "https://evil/login.windows.net"]
        {
            assert!(!Authority::default().admits(&Url::parse(url).unwrap()), "{url}");
        }
    }

    #[test]
    fn the_configured_one_is_encrypted_or_on_loopback() {
        for good in
            ["https://idp.example.com", "https://localhost:8443/", "http://127.0.0.1:80", "http://[::1]:1/"]
        {
            let authority = Authority::configured(good).unwrap();
            assert!(authority.admits(&Url::parse(good).unwrap().join("/x/oauth2/authorize").unwrap()));
        }
        for bad in [
            "http://idp.example.com",
            "https://me:pw@idp.example.com",
            "https://idp.example.com/tenant",
            "https://idp.example.com?x",
            "https://idp.example.com#x",
            "ftp://localhost",
            "login.microsoftonline.com",
            "",
        ] {
            let error = Authority::configured(bad).unwrap_err();
            assert_eq!(error.kind, SignInErrorKind::Misconfigured, "{bad}");
        }
    }
}
