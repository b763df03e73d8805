//! Why there is no answer: told apart by what a person must do.

/// A request without an answer. Every sentence names the host; none contains a user name, a path or a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The proxy stands in the way.
    #[error("{}", proxy_sentence(host, proxy, *why))]
    Proxy {
        /// The host that was asked for.
        host: String,
        /// `host:port` of the proxy.
        proxy: String,
        /// The setting or variable that names the proxy.
        source_of_proxy: &'static str,
        /// How it failed.
        why: ProxyFailure,
    },
    /// The other side is there, but nobody can say it is the right one.
    #[error("{}", tls_sentence(host, *why))]
    Tls {
        /// The host, or the proxy where its own certificate is the bad one.
        host: String,
        /// How it failed.
        why: TlsFailure,
    },
    /// The host's name is not known.
    #[error("the name `{host}` cannot be resolved")]
    UnknownName {
        /// The host.
        host: String,
    },
    /// No connection came about.
    #[error("`{host}` cannot be reached")]
    Unreachable {
        /// The host.
        host: String,
    },
    /// The connection broke after the request was sent: it may have been acted on.
    #[error("`{host}` broke off the connection")]
    Interrupted {
        /// The host.
        host: String,
    },
    /// No connection, or no full answer, in time.
    #[error("{}", timeout_sentence(host, proxy.as_deref()))]
    TimedOut {
        /// The host.
        host: String,
        /// `host:port` of the proxy on the way, if any.
        proxy: Option<String>,
        /// Whether the request may have got through.
        sent: bool,
    },
    /// The answer is longer than any honest one.
    #[error("`{host}` answered with more than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer repeats a secret of the question: nothing of it is fit to be read.
    #[error("`{host}` repeats the secret that it was shown")]
    Repeated {
        /// The host.
        host: String,
    },
    /// The client cannot be built from these settings, or must not send to this address.
    #[error("{sentence}")]
    Configuration {
        /// What is wrong.
        sentence: String,
        /// What to do.
        hint: String,
    },
}

/// How a proxy failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyFailure {
    /// It wants a user name and a password (407).
    AuthenticationRequired,
    /// It does not allow the host.
    Refused,
    /// It is not there.
    Unreachable,
    /// It hung up, or is no proxy.
    Broken,
}

/// How a certificate failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFailure {
    /// Signed by an authority that this machine does not trust: typically a company's inspecting proxy.
    UntrustedIssuer,
    /// For another name.
    WrongName,
    /// Past its end.
    Expired,
    /// Before its start: typically this machine's clock is wrong.
    NotYetValid,
    /// Bad in another way.
    Invalid,
    /// No common version or cipher, or not TLS at all.
    Handshake,
}

impl HttpError {
    /// What to do next: one line, empty when there is nothing to do but wait.
    pub fn hint(&self) -> String {
        match self {
            Self::Proxy { host, proxy, source_of_proxy, why } => {
                proxy_hint(host, proxy, source_of_proxy, *why)
            }
            Self::Tls { why, .. } => tls_hint(*why).to_owned(),
            Self::UnknownName { .. } | Self::Unreachable { .. } => {
                "check the network; where only a proxy leads out, set `[network] proxy`".to_owned()
            }
            Self::TimedOut { proxy: Some(_), .. } => "check `[network] proxy` and try again".to_owned(),
            Self::TimedOut { proxy: None, .. } => {
                "try again; where only a proxy leads out, set `[network] proxy`".to_owned()
            }
            Self::Interrupted { .. } => "try again".to_owned(),
            Self::TooLarge { .. } | Self::Repeated { .. } => {
                "check that no gateway answers in the host's place".to_owned()
            }
            Self::Configuration { hint, .. } => hint.clone(),
        }
    }

    /// Whether the server may have acted on the request although there is no answer. False only where it is
    /// certain that the request never left.
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Proxy { .. }
            | Self::Tls { .. }
            | Self::UnknownName { .. }
            | Self::Unreachable { .. }
            | Self::Configuration { .. } => false,
            Self::TimedOut { sent, .. } => *sent,
            Self::Interrupted { .. } | Self::TooLarge { .. } | Self::Repeated { .. } => true,
        }
    }
}

fn proxy_sentence(host: &str, proxy: &str, why: ProxyFailure) -> String {
    match why {
        ProxyFailure::AuthenticationRequired => {
            format!("the proxy `{proxy}` on the way to `{host}` wants a user name and a password")
        }
        ProxyFailure::Refused => format!("the proxy `{proxy}` refuses to connect to `{host}`"),
        ProxyFailure::Unreachable => format!("the proxy `{proxy}` on the way to `{host}` cannot be reached"),
        ProxyFailure::Broken => {
            format!("the proxy `{proxy}` on the way to `{host}` broke off the connection")
        }
    }
}

fn proxy_hint(host: &str, proxy: &str, source: &str, why: ProxyFailure) -> String {
    match why {
        ProxyFailure::AuthenticationRequired => {
            format!("set `[network] proxy` to `http://USER:PASSWORD@{proxy}`")
        }
        ProxyFailure::Refused => format!("have the proxy allow `{host}`, or name it in `[network] no-proxy`"),
        _ if source.starts_with('[') => "check `[network] proxy`".to_owned(),
        _ => format!("check the variable `{source}`, or set `[network] proxy`"),
    }
}

fn tls_sentence(host: &str, why: TlsFailure) -> String {
    match why {
        TlsFailure::UntrustedIssuer => {
            format!("the certificate of `{host}` is signed by an authority that this machine does not trust")
        }
        TlsFailure::WrongName => format!("the certificate that `{host}` shows is for another name"),
        TlsFailure::Expired => format!("the certificate of `{host}` has expired"),
        TlsFailure::NotYetValid => format!("the certificate of `{host}` is not valid yet"),
        TlsFailure::Invalid => format!("the certificate of `{host}` is not valid"),
        TlsFailure::Handshake => format!("no secure connection to `{host}` came about"),
    }
}

fn tls_hint(why: TlsFailure) -> &'static str {
    match why {
        TlsFailure::UntrustedIssuer => {
            "add your organisation's authority to the system's store, or name its file in `[network] ca-file`"
        }
        TlsFailure::Expired => {
            "check this machine's clock; if it is right, whoever runs the host has to renew the certificate"
        }
        TlsFailure::NotYetValid => {
            "check this machine's clock; if it is right, the certificate was put in place before its time"
        }
        TlsFailure::WrongName | TlsFailure::Invalid | TlsFailure::Handshake => {
            "check `[network] proxy`, and that no gateway answers in the host's place"
        }
    }
}

fn timeout_sentence(host: &str, proxy: Option<&str>) -> String {
    match proxy {
        Some(proxy) => format!("`{host}` did not answer in time through the proxy `{proxy}`"),
        None => format!("`{host}` did not answer in time"),
    }
}
