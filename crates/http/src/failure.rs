//! From an error of `reqwest` to one of ours.

use std::{error::Error, io};

use reqwest::Error as Failure;
use rustls::{CertificateError, Error as TlsError};
use url::Url;

use crate::{
    HttpError, ProxyFailure, TlsFailure,
    route::{Route, host_and_port},
};

/// What a failed request means.
pub(crate) fn explain(failure: &Failure, url: &Url, route: Option<&Route>) -> HttpError {
    let host = host_and_port(url);
    let proxy = route.and_then(|route| route.proxy_of(url).map(|shown| (shown.to_owned(), route.source)));
    let in_tunnel = tunnel_failure(failure);
    // Later than that, a TLS error is a broken connection, and the request may have arrived.
    if let Some(why) = tls_failure(failure).filter(|_| failure.is_connect()) {
        let of_proxy = in_tunnel.and(proxy).map(|(proxy, _)| proxy);
        return HttpError::Tls { host: of_proxy.unwrap_or(host), why };
    }
    if failure.is_timeout() {
        return HttpError::TimedOut {
            host,
            proxy: proxy.map(|(proxy, _)| proxy),
            sent: !failure.is_connect(),
        };
    }
    match (failure.is_connect(), proxy) {
        (true, Some((proxy, source_of_proxy))) => {
            let why = in_tunnel.unwrap_or(ProxyFailure::Unreachable);
            HttpError::Proxy { host, proxy, source_of_proxy, why }
        }
        (true, None) if failure.is_dns() => HttpError::UnknownName { host },
        (true, None) => HttpError::Unreachable { host },
        (false, _) => HttpError::Interrupted { host },
    }
}

/// What lies under an error. An `io::Error` hides its inner error from `source`, hence the detour.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
    .take(32)
}

fn tls_failure(failure: &Failure) -> Option<TlsFailure> {
    let error = causes(failure).find_map(|cause| cause.downcast_ref::<TlsError>())?;
    let TlsError::InvalidCertificate(error) = error else { return Some(TlsFailure::Handshake) };
    Some(match error {
        // A bad signature is what an authority re-made under its old name looks like.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsFailure::UntrustedIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFailure::WrongName
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFailure::NotYetValid
        }
        _ => TlsFailure::Invalid,
    })
}

/// How the proxy's `CONNECT` failed. The type is private to `hyper-util`, its text is what there is; the tests hold it.
fn tunnel_failure(failure: &Failure) -> Option<ProxyFailure> {
    let text = causes(failure)
        .map(ToString::to_string)
        .find_map(|text| Some(text.strip_prefix("tunnel error: ")?.to_owned()))?;
    Some(match text.as_str() {
        "proxy authorization required" => ProxyFailure::AuthenticationRequired,
        "unsuccessful" => ProxyFailure::Refused,
        "failed to create underlying connection" => ProxyFailure::Unreachable,
        _ => ProxyFailure::Broken,
    })
}
