//! Git's URLs at Azure Repos.

use http::Method;

use crate::call::Call;

/// Which program serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    UploadPack,
    ReceivePack,
}

impl Service {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::UploadPack),
            "git-receive-pack" => Some(Self::ReceivePack),
            _ => None,
        }
    }

    /// The scope that a personal access token needs for it.
    pub(crate) fn scope(self) -> &'static str {
        match self {
            Self::UploadPack => "vso.code",
            Self::ReceivePack => "vso.code_write",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// Advertisement or the service itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Refs,
    Call,
}

/// A git request, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitRequest {
    pub(crate) organisation: String,
    pub(crate) project: String,
    pub(crate) repository: String,
    pub(crate) service: Service,
    pub(crate) operation: Operation,
}

impl GitRequest {
    /// The end of the path as `git http-backend` wants it.
    pub(crate) fn tail(&self) -> &'static str {
        match self.operation {
            Operation::Refs => "info/refs",
            Operation::Call => self.service.name(),
        }
    }
}

/// `…/{org}/[{project}/]_git/[_optimized/|_full/]{repository}/(info/refs|git-upload-pack|git-receive-pack)`.
pub(crate) fn parse(call: &Call) -> Option<GitRequest> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let marker = segments.iter().position(|segment| *segment == "_git")?;
    let (organisation, project) = match &segments[..marker] {
        [organisation] => (*organisation, None),
        [organisation, project] => (*organisation, Some(*project)),
        _ => return None,
    };
    let mut rest = &segments[marker + 1..];
    if let ["_optimized" | "_full", after @ ..] = rest {
        rest = after;
    }
    let (repository, service, operation) = match (&call.method, rest) {
        (&Method::GET, [repository, "info", "refs"]) => {
            (*repository, Service::parse(call.parameter("service")?)?, Operation::Refs)
        }
        (&Method::POST, [repository, service]) => (*repository, Service::parse(service)?, Operation::Call),
        _ => return None,
    };
    Some(GitRequest {
        organisation: organisation.to_lowercase(),
        project: project.unwrap_or(repository).to_owned(),
        repository: repository.to_owned(),
        service,
        operation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    fn parsed(method: &str, uri: &str) -> Option<GitRequest> {
        let request = http::Request::builder().method(method).uri(uri).body(()).expect("request");
        parse(&Call::new(Host::Dev, request.into_parts().0))
    }

    #[test]
    fn all_url_forms_name_the_repository() {
        let refs = "info/refs?service=git-upload-pack";
        let full =
            parsed("GET", &format!("/Contoso/Payments%20Platform/_git/Card%20Auth%20(v2).Service/{refs}"));
        let full = full.expect("full form");
        assert_eq!((full.organisation.as_str(), full.project.as_str()), ("contoso", "Payments Platform"));
        assert_eq!((full.repository.as_str(), full.tail()), ("Card Auth (v2).Service", "info/refs"));
        let short = parsed("POST", "/contoso/_git/_optimized/widgets/git-receive-pack").expect("short form");
        assert_eq!((short.project.as_str(), short.service.scope()), ("widgets", "vso.code_write"));
        assert_eq!(parsed("GET", "/contoso/widgets/_git/widgets/info/refs"), None);
        assert_eq!(parsed("GET", "/contoso/widgets/_git/widgets"), None);
        assert_eq!(parsed("POST", "/a/b/c/_git/widgets/git-upload-pack"), None);
    }
}
