//! One application at one tenant: where every flow begins.

use std::time::SystemTime;

use oauth2::{
    AuthType, AuthUrl, ClientId, ClientSecret, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet,
    RefreshToken, Scope, TokenUrl, basic::BasicClient,
};
use valetkey_http::{Http, Reply, StatusCode, retry_after};
use valetkey_protocol::{ExposeSecret as _, SecretString};

use crate::{
    Authority, BrowserFlow, DeviceFlow, Options, SignInError, SignInErrorKind, Tokens,
    classify::{Grant, failure, unreadable},
    courier::{Courier, delivered},
    identity::Expected,
    machine,
    wire::is_claims,
};

/// The application id of Azure DevOps, the resource of every token here.
pub(crate) const AZURE_DEVOPS: &str = "499b84ac-1321-427f-aa17-267ca6975798";

/// RFC 7523.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How an application proves that it is itself.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// A secret.
    Secret(&'a SecretString),
    /// A token of a platform that the application's registration trusts.
    Assertion(&'a SecretString),
    /// A certificate and its private key, both in PEM.
    Certificate(&'a SecretString),
}

impl Proof<'_> {
    /// By Entra's number where it says more (Microsoft: "Microsoft Entra authentication and authorization error codes").
    fn what_to_check(&self, code: Option<u32>) -> &'static str {
        match (code, self) {
            (Some(7_000_222), _) => "the secret has expired: make a new one and put it into the file",
            (Some(700_211), _) => "no federated credential of the application names this issuer",
            (Some(700_212), _) => {
                "the token is for another audience than the federated credential's: it must be `api://AzureADTokenExchange`"
            }
            (Some(700_213), _) => {
                "no federated credential names this subject: that of a branch, an environment or a service account"
            }
            (Some(700_024), _) => "the token is too old or too new: check this machine's clock",
            (Some(700_027), _) => "add this certificate to the application's",
            (_, Self::Secret(_)) => "check the file, and the secrets of the application",
            (_, Self::Assertion(_)) => "add a federated credential with the token's issuer and subject to it",
            (_, Self::Certificate(_)) => "check the file, and the certificates of the application",
        }
    }
}

pub(crate) type Client = BasicClient<EndpointSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Who signs in where: a public client, its tenant and what it asks for.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The way out.
    pub http: Http,
    /// The identity provider.
    pub authority: Authority,
    /// Tenant: an id, a domain, or `organizations`. A guest must name the tenant of the organisation.
    pub tenant: String,
    /// The organisation's own registration.
    pub client_id: String,
    /// What to ask for; [`SignIn::default_scopes`] unless there is a reason.
    pub scopes: Vec<String>,
}

impl SignIn {
    /// The right to list, mint and revoke keys, a refresh token, and the account's name.
    pub fn default_scopes() -> Vec<String> {
        let of_devops = ["vso.pats", "vso.pats_manage"].map(|scope| format!("{AZURE_DEVOPS}/{scope}"));
        of_devops.into_iter().chain(["offline_access", "openid", "profile"].map(str::to_owned)).collect()
    }

    /// Everything that the application was given consent for, a refresh token, and the account's name.
    pub fn consented_scopes() -> Vec<String> {
        let of_devops = [format!("{AZURE_DEVOPS}/.default")];
        of_devops.into_iter().chain(["offline_access", "openid", "profile"].map(str::to_owned)).collect()
    }

    /// New tokens for a refresh token, with the claims request of a challenge if there is one.
    ///
    /// A provider that granted less than was asked for may refuse to hear of the rest again (RFC 6749 §6; Entra does
    /// not, and gives its number with every refusal). It is asked once more, for what it did grant.
    pub async fn refresh(&self, token: &SecretString, claims: Option<&str>) -> Result<Tokens, SignInError> {
        let claims = checked_claims(claims)?;
        match self.refreshed(token, claims.as_deref(), &self.scopes).await {
            Err(error) if error.kind == SignInErrorKind::ScopeInvalid && error.code.is_none() => {
                self.refreshed(token, claims.as_deref(), &[]).await
            }
            went => went,
        }
    }

    async fn refreshed(
        &self,
        token: &SecretString,
        claims: Option<&str>,
        scopes: &[String],
    ) -> Result<Tokens, SignInError> {
        let client = self.client()?;
        let courier = Courier::new(&self.http)?;
        let token = RefreshToken::new(token.expose_secret().to_owned());
        let mut request = client
            .exchange_refresh_token(&token)
            .add_scopes(scopes.iter().cloned().map(Scope::new))
            .add_extra_param("client_info", "1");
        if let Some(claims) = claims {
            request = request.add_extra_param("claims", claims);
        }
        let reply = delivered(request.request_async(&courier).await)?;
        self.tokens(&reply, Grant::Refresh, None)
    }

    /// An access token that an application gets for itself, by its own proof (Microsoft: "client credentials flow").
    /// There is no refresh token: the proof is shown again.
    pub async fn for_itself(&self, proof: Proof<'_>) -> Result<Tokens, SignInError> {
        self.for_itself_with(proof, None).await
    }

    /// The same, with the claims request of a challenge (Microsoft: "Continuous access evaluation for workload
    /// identities").
    pub async fn for_itself_with(
        &self,
        proof: Proof<'_>,
        claims: Option<&str>,
    ) -> Result<Tokens, SignInError> {
        let claims = checked_claims(claims)?;
        let mut client = self.client()?;
        if let Proof::Secret(secret) = proof {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        let courier = Courier::new(&self.http)?;
        let scope = Scope::new(format!("{AZURE_DEVOPS}/.default"));
        let mut request = client.exchange_client_credentials().add_scope(scope);
        if let Some(claims) = claims {
            request = request.add_extra_param("claims", claims);
        }
        let signed = match proof {
            Proof::Certificate(pem) => {
                let endpoint = self.authority.endpoint(&self.tenant, "token");
                Some(machine::assertion(pem, &self.client_id, &endpoint, SystemTime::now())?)
            }
            Proof::Assertion(_) | Proof::Secret(_) => None,
        };
        let assertion = match proof {
            Proof::Assertion(assertion) => Some(assertion),
            _ => signed.as_ref(),
        };
        if let Some(assertion) = assertion {
            request = request
                .add_extra_param("client_assertion_type", ASSERTION)
                .add_extra_param("client_assertion", assertion.expose_secret().to_owned());
        }
        let reply = delivered(request.request_async(&courier).await)?;
        self.tokens(&reply, Grant::Refresh, None).map_err(|error| match error.kind {
            SignInErrorKind::ClientMisconfigured | SignInErrorKind::SessionEnded => {
                let code = error.code.map_or_else(String::new, |code| format!(" (AADSTS{code})"));
                SignInError {
                    kind: SignInErrorKind::ClientMisconfigured,
                    sentence: format!(
                        "Microsoft Entra does not take the proof of `{}`{code}",
                        self.client_id
                    ),
                    hint: proof.what_to_check(error.code).to_owned(),
                    ..error
                }
            }
            _ => error,
        })
    }

    /// Begins a sign-in in the system browser: listens on loopback and gives the address to open.
    pub async fn begin_browser(&self, options: Options) -> Result<BrowserFlow, SignInError> {
        BrowserFlow::begin(self.clone(), options).await
    }

    /// Begins a sign-in by device code: gives the code to type and the page to type it at.
    pub async fn begin_device(&self) -> Result<DeviceFlow, SignInError> {
        DeviceFlow::begin(self.clone()).await
    }

    /// The tokens of an answer of the token endpoint, or what its error means.
    pub(crate) fn tokens(
        &self,
        reply: &Reply,
        grant: Grant,
        nonce: Option<&str>,
    ) -> Result<Tokens, SignInError> {
        if reply.status != StatusCode::OK {
            return Err(self.failure(reply, grant));
        }
        let expected = Expected { client_id: &self.client_id, tenant: &self.tenant, nonce };
        Tokens::read(reply, &expected).map_err(|why| unreadable(&why, &self.authority.host()))
    }

    /// What an error answer means.
    pub(crate) fn failure(&self, reply: &Reply, grant: Grant) -> SignInError {
        let wait = retry_after(&reply.headers, SystemTime::now());
        failure(reply.status, &reply.body, wait, grant, &self.authority.host())
    }

    /// The client that builds requests, after the settings that go into an address have been checked.
    pub(crate) fn client(&self) -> Result<Client, SignInError> {
        self.check()?;
        let endpoint = |name| self.authority.endpoint(&self.tenant, name);
        let wrong = |_| {
            misconfigured("`[entra] authority` is not an address", "check `[entra]` in the configuration")
        };
        Ok(BasicClient::new(ClientId::new(self.client_id.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::new(endpoint("authorize")).map_err(wrong)?)
            .set_device_authorization_url(DeviceAuthorizationUrl::new(endpoint("devicecode")).map_err(wrong)?)
            .set_token_uri(TokenUrl::new(endpoint("token")).map_err(wrong)?))
    }

    pub(crate) fn oauth_scopes(&self) -> impl Iterator<Item = Scope> {
        self.scopes.iter().cloned().map(Scope::new)
    }

    fn check(&self) -> Result<(), SignInError> {
        if self.client_id.is_empty() {
            return Err(SignInError::new(
                SignInErrorKind::ClientIdMissing,
                "no application is registered to sign in through",
                "run `valetkey setup entra`, then set `[entra] client-id`",
            ));
        }
        if !is_name(&self.client_id) {
            return Err(misconfigured(
                "`[entra] client-id` is not an application id",
                "copy it from the registration",
            ));
        }
        if !is_name(&self.tenant) {
            return Err(misconfigured(
                "the tenant is not an id or a domain",
                "write it as `contoso.onmicrosoft.com`, or leave it at `organizations`",
            ));
        }
        Ok(())
    }
}

/// A claims request that may be passed on.
pub(crate) fn checked_claims(claims: Option<&str>) -> Result<Option<String>, SignInError> {
    match claims {
        Some(claims) if !is_claims(claims) => Err(SignInError::new(
            SignInErrorKind::Malformed,
            "the claims that the service asks for cannot be read",
            "run `valetkey login`",
        )),
        claims => Ok(claims.map(str::to_owned)),
    }
}

pub(crate) fn misconfigured(sentence: &str, hint: &str) -> SignInError {
    SignInError::new(SignInErrorKind::Misconfigured, sentence, hint)
}

/// Letters, digits, dots and hyphens: a GUID, a domain or a name, and one segment of a path.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && !name.contains("..")
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

#[cfg(test)]
mod tests;
