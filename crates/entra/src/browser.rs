//! Signing in in the system browser: authorization code with PKCE and a loopback redirect.

use std::{borrow::Cow, fmt, time::Duration};

use oauth2::{AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl};
use tokio::time::timeout;
use url::Url;
use valetkey_protocol::SecretString;

use crate::{
    SignIn, SignInError, SignInErrorKind, Tokens,
    classify::{Grant, redirected},
    courier::{Courier, delivered},
    loopback::{Listener, Outcome, Page},
    random,
    sign_in::{checked_claims, misconfigured},
    wire::WireError,
};

/// Wishes for the page that Entra shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The account to fill in.
    pub login_hint: Option<String>,
    /// The claims request of a challenge or of [`SignInError::claims`]: the text of a JSON object.
    pub claims: Option<String>,
    /// What to ask the person even if nothing must be asked.
    pub prompt: Option<Prompt>,
}

/// The `prompt` parameter (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Type the password again.
    Login,
    /// Choose among the accounts.
    SelectAccount,
    /// Consent again.
    Consent,
}

impl Prompt {
    fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::SelectAccount => "select_account",
            Self::Consent => "consent",
        }
    }
}

/// A sign-in that waits for the person. Dropping it closes the port.
pub struct BrowserFlow {
    sign_in: SignIn,
    listener: Listener,
    url: Url,
    redirect: RedirectUrl,
    verifier: PkceCodeVerifier,
    state: SecretString,
    nonce: String,
}

/// The address holds the state, so it is not shown.
impl fmt::Debug for BrowserFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserFlow")
            .field("sign_in", &self.sign_in)
            .field("port", &self.listener.port())
            .finish_non_exhaustive()
    }
}

impl BrowserFlow {
    pub(crate) async fn begin(sign_in: SignIn, options: Options) -> Result<Self, SignInError> {
        let client = sign_in.client()?;
        let claims = checked_claims(options.claims.as_deref())?;
        let listener = Listener::bind().await?;
        let redirect = RedirectUrl::new(format!("http://localhost:{}", listener.port()))
            .map_err(|_| misconfigured("the redirect address cannot be built", ""))?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (state, nonce) = (random::secret()?, random::secret()?);
        let sent = state.clone();
        let mut request = client
            .authorize_url(|| CsrfToken::new(sent))
            .add_scopes(sign_in.oauth_scopes())
            .set_pkce_challenge(challenge)
            .set_redirect_uri(Cow::Borrowed(&redirect))
            .add_extra_param("response_mode", "query")
            .add_extra_param("nonce", nonce.clone())
            .add_extra_param("client_info", "1");
        for (name, value) in [
            ("login_hint", options.login_hint),
            ("claims", claims),
            ("prompt", options.prompt.map(|prompt| prompt.as_str().to_owned())),
        ] {
            if let Some(value) = value {
                request = request.add_extra_param(name, value);
            }
        }
        let (url, _) = request.url();
        let state = SecretString::from(state);
        Ok(Self { sign_in, listener, url, redirect, verifier, state, nonce })
    }

    /// The address to open in the system browser.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Waits for the person, at most as long as given; redeems the code; shows in the browser what came of it.
    pub async fn finish(self, deadline: Duration) -> Result<Tokens, SignInError> {
        let mut server = self.listener.serve(self.state);
        let Ok(Some((outcome, browser))) = timeout(deadline, server.hit()).await else {
            return Err(SignInError::new(
                SignInErrorKind::Expired,
                "the time for signing in ran out",
                "follow what the browser shows, or run `valetkey login` again",
            ));
        };
        let tokens = match outcome {
            Outcome::Code(code) => {
                redeem(&self.sign_in, code, self.redirect, self.verifier, &self.nonce).await
            }
            Outcome::Error { error, description } => {
                Err(redirected(&WireError::of_redirect(&error, &description)))
            }
        };
        browser.show(tokens.as_ref().map_or_else(Page::failure, |_| Page::success())).await;
        tokens
    }
}

async fn redeem(
    sign_in: &SignIn,
    code: String,
    redirect: RedirectUrl,
    verifier: PkceCodeVerifier,
    nonce: &str,
) -> Result<Tokens, SignInError> {
    let client = sign_in.client()?.set_redirect_uri(redirect);
    let courier = Courier::new(&sign_in.http)?;
    let request = client
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(verifier)
        .add_extra_param("scope", sign_in.scopes.join(" "))
        .add_extra_param("client_info", "1");
    let reply = delivered(request.request_async(&courier).await)?;
    sign_in.tokens(&reply, Grant::Code, Some(nonce))
}

#[cfg(test)]
mod tests;
