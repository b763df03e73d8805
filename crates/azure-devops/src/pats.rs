//! The PAT Lifecycle Management API (Microsoft: Tokens - Pats, 7.1-preview.1).

use std::time::Instant;

use serde::de::DeserializeOwned;
use valetkey_http::{Bytes, Http, Method, Reply, Request};
use valetkey_protocol::{MAX_LINE, SecretString};
use zeroize::Zeroize as _;

use crate::{
    CreatedPat, DevOps, DevOpsError, DevOpsErrorKind as Kind, Filter, Listing, NewPat, Pat, PatError,
    PatPage, PatUpdate,
    client::{Auth, address},
    organisation::is_guid,
    pat::{CreateRequest, Page, PatResult, UpdateRequest},
    refused::{self, Asked},
};

const PATH: [&str; 3] = ["_apis", "tokens", "pats"];
/// Keys on one page: the most the service gives.
const PAGE: u8 = 100;
/// Pages, keys, and times that one answer may take, after which a list that does not end is given up.
const MOST_PAGES: usize = 100;
const MOST_KEYS: usize = 10_000;
const MOST_WAITS: u32 = 4;
/// Longest mark of where the next page begins, in bytes: it has to fit into an address.
const MOST_MARK: usize = 4096;

impl DevOps {
    /// Creates a key. Its end may be earlier than asked: the tenant's policy has the last word.
    ///
    /// Never repeat it blindly: see [`DevOpsError::may_have_committed`], which holds for a future that is dropped
    /// before it is done, too.
    pub async fn create(
        &self,
        organisation: &str,
        token: &SecretString,
        new: &NewPat,
    ) -> Result<CreatedPat, DevOpsError> {
        let asked = Asked { creates: true, ..self.asked(organisation) };
        let request = self.with_body(Method::POST, &asked, &CreateRequest::new(new))?;
        let reply = self.send(request, Auth::Bearer(token), &asked).await?;
        let result = read::<PatResult>(reply, &asked)?;
        let named = result.pat_token_error.as_deref().and_then(PatError::of);
        let Some(mut wire) = result.pat_token else {
            return Err(
                named.map_or_else(|| refused::malformed(&asked), |error| refused::forbidden(error, &asked))
            );
        };
        if let Some(error) = named {
            return Err(refused::forbidden(error, &asked).perhaps_committed(true));
        }
        let token = wire.token.take().filter(is_token).ok_or_else(|| refused::malformed(&asked))?;
        let pat = wire.describe().ok_or_else(|| refused::malformed(&asked))?;
        Ok(CreatedPat { pat, token })
    }

    /// All keys of the account that the filter lets through, page by page to the end. A list that cannot be read to
    /// its end is an error: a key that is overlooked stays alive.
    pub async fn list(
        &self,
        organisation: &str,
        token: &SecretString,
        filter: Filter,
    ) -> Result<Vec<Pat>, DevOpsError> {
        let listing = Listing { filter, top: Some(PAGE), ..Listing::default() };
        let mut found = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        let (begun, longest) = (Instant::now(), self.patience() * MOST_WAITS);
        while seen.len() < MOST_PAGES && found.len() <= MOST_KEYS && begun.elapsed() < longest {
            let page = self.page(organisation, token, &listing, seen.last().map(String::as_str)).await?;
            found.extend(page.pats);
            match page.next {
                None => return Ok(found),
                Some(next) if seen.contains(&next) => break,
                Some(next) => seen.push(next),
            }
        }
        let sentence = format!("the list of keys for `{organisation}` does not end");
        Err(DevOpsError::new(Kind::Malformed, sentence, "try again later"))
    }

    /// One page of the list: the first, or the one that follows `after`, which was given for the same listing.
    pub async fn page(
        &self,
        organisation: &str,
        token: &SecretString,
        listing: &Listing,
        after: Option<&str>,
    ) -> Result<PatPage, DevOpsError> {
        let asked = self.asked(organisation);
        let filter = listing.filter.to_string();
        let sort = listing.sort.map(|sort| sort.to_string());
        let top = listing.top.map(|top| top.clamp(1, PAGE).to_string());
        let mut query = vec![("displayFilterOption", filter.as_str())];
        query.extend(sort.iter().map(|sort| ("sortByOption", sort.as_str())));
        if listing.descending || sort.is_some() {
            query.push(("isSortAscending", if listing.descending { "false" } else { "true" }));
        }
        query.extend(top.iter().map(|top| ("$top", top.as_str())));
        query.extend(after.map(|next| ("continuationToken", next)));
        let url = address(&self.endpoints().pats, organisation, &PATH, &query)?;
        let page: Page = read(self.send(Http::get(url), Auth::Bearer(token), &asked).await?, &asked)?;
        let described = page.pat_tokens.into_iter().map(crate::pat::WirePat::describe);
        let pats = described.collect::<Option<_>>().ok_or_else(|| refused::malformed(&asked))?;
        let next = page.continuation_token.filter(|next| !next.is_empty());
        if next.as_ref().is_some_and(|next| next.len() > MOST_MARK) {
            return Err(refused::malformed(&asked));
        }
        Ok(PatPage { pats, next })
    }

    /// The key of an id; nothing, when the service does not know it.
    pub async fn get(
        &self,
        organisation: &str,
        token: &SecretString,
        authorization_id: &str,
    ) -> Result<Option<Pat>, DevOpsError> {
        let asked = self.asked(organisation);
        let url = self.address_of(&asked, authorization_id)?;
        let reply = self.send(Http::get(url), Auth::Bearer(token), &asked).await?;
        if reply.status.as_u16() == 404 {
            return self.check_gone(&reply, token, &asked).await.map(|()| None);
        }
        match described(reply, authorization_id, &asked) {
            Err(DevOpsError { kind: Kind::Forbidden(error), .. }) if error.is_gone() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Extends, renames or rescopes a key. Its secret stays as it is, so this never rotates.
    pub async fn update(
        &self,
        organisation: &str,
        token: &SecretString,
        authorization_id: &str,
        update: &PatUpdate,
    ) -> Result<Pat, DevOpsError> {
        let asked = self.asked(organisation);
        check_id(authorization_id, &asked)?;
        let request = self.with_body(Method::PUT, &asked, &UpdateRequest::new(authorization_id, update))?;
        described(self.send(request, Auth::Bearer(token), &asked).await?, authorization_id, &asked)
    }

    /// Revokes a key. One that is gone already is revoked.
    pub async fn revoke(
        &self,
        organisation: &str,
        token: &SecretString,
        authorization_id: &str,
    ) -> Result<(), DevOpsError> {
        let asked = self.asked(organisation);
        let url = self.address_of(&asked, authorization_id)?;
        let reply = self.send(Request::new(Method::DELETE, url), Auth::Bearer(token), &asked).await?;
        match reply.status.as_u16() {
            204 => return Ok(()),
            404 => return self.check_gone(&reply, token, &asked).await,
            200 if reply.body.trim_ascii().is_empty() && !refused::is_page(&reply) => return Ok(()),
            _ => {}
        }
        let error =
            read::<PatResult>(reply, &asked).map_or_else(Some, |result| match result.pat_token_error {
                Some(name) => PatError::of(&name).map(|error| refused::forbidden(error, &asked)),
                // What speaks of no key does not say that this one is revoked.
                None => result.pat_token.is_none().then(|| refused::malformed(&asked)),
            });
        match error {
            Some(DevOpsError { kind: Kind::Forbidden(error), .. }) if error.is_gone() => Ok(()),
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Whether a 404 speaks of the key: an organisation that was renamed answers so too, and its keys live on. It
    /// speaks of the key where the same door answers another question.
    async fn check_gone(
        &self,
        reply: &Reply,
        token: &SecretString,
        asked: &Asked<'_>,
    ) -> Result<(), DevOpsError> {
        if refused::names_it_gone(reply) {
            return Ok(());
        }
        let url = address(&self.endpoints().pats, asked.organisation, &PATH, &[("$top", "1")])?;
        read::<Page>(self.send(Http::get(url), Auth::Bearer(token), asked).await?, asked).map(drop)
    }

    fn address_of(&self, asked: &Asked<'_>, authorization_id: &str) -> Result<url::Url, DevOpsError> {
        check_id(authorization_id, asked)?;
        let query = [("authorizationId", authorization_id)];
        address(&self.endpoints().pats, asked.organisation, &PATH, &query)
    }

    fn with_body(
        &self,
        method: Method,
        asked: &Asked<'_>,
        body: &impl serde::Serialize,
    ) -> Result<Request, DevOpsError> {
        let url = address(&self.endpoints().pats, asked.organisation, &PATH, &[])?;
        Http::json(method, url, body).map_err(|_| {
            let sentence = format!("the request for `{}` cannot be written", asked.organisation);
            DevOpsError::new(Kind::Misuse, sentence, "report this")
        })
    }
}

/// An id that is no id would turn a request about one key into one about all.
fn check_id(authorization_id: &str, asked: &Asked<'_>) -> Result<(), DevOpsError> {
    if is_guid(authorization_id) {
        return Ok(());
    }
    let sentence = format!(
        "`{}` is not the id of a key of `{}`",
        valetkey_protocol::shown(authorization_id),
        asked.organisation
    );
    Err(DevOpsError::new(Kind::Misuse, sentence, "run `valetkey keys list`"))
}

/// Whether what is to be a key's secret can be one: git and NuGet take it as a line.
pub(crate) fn is_token(token: &SecretString) -> bool {
    use valetkey_protocol::ExposeSecret as _;
    let token = token.expose_secret();
    (1..=MAX_LINE).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
}

/// The key of an id, in an answer that has no secret.
fn described(reply: Reply, authorization_id: &str, asked: &Asked<'_>) -> Result<Pat, DevOpsError> {
    let result: PatResult = read(reply, asked)?;
    if let Some(error) = result.pat_token_error.as_deref().and_then(PatError::of) {
        return Err(refused::forbidden(error, asked));
    }
    let pat = result.pat_token.and_then(crate::pat::WirePat::describe);
    // What is said of another key would be believed of this one.
    pat.filter(|pat| pat.authorization_id.eq_ignore_ascii_case(authorization_id))
        .ok_or_else(|| refused::malformed(asked))
}

/// The JSON of a success, whose bytes are wiped: they may hold a secret.
pub(crate) fn read<T: DeserializeOwned>(mut reply: Reply, asked: &Asked<'_>) -> Result<T, DevOpsError> {
    let good = matches!(reply.status.as_u16(), 200..=203) && !refused::is_page(&reply);
    let read = if good {
        reply.json().ok_or_else(|| refused::malformed(asked))
    } else {
        Err(refused::failure(&reply, asked))
    };
    wipe(std::mem::take(&mut reply.body));
    read
}

fn wipe(body: Bytes) {
    if let Ok(mut body) = body.try_into_mut() {
        body.as_mut().zeroize();
    }
}
