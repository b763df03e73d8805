//! Feed URLs, taken apart.

use http::Method;

use super::FeedRole;
use crate::{call::Call, packages::Route};

/// `{org}/[{project}/]_packaging/{feed[@view]}/nuget/…`, the organisation known already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Name or identifier.
    pub(super) project: Option<String>,
    /// Name or identifier.
    pub(super) feed: String,
    pub(super) view: Option<String>,
    pub(super) resource: Resource,
}

/// What is wanted of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resource {
    Index,
    Read(Route),
    Search,
    Push,
    Unlist { id: String, version: String },
}

impl Resource {
    fn writes(&self) -> bool {
        matches!(self, Self::Push | Self::Unlist { .. })
    }

    /// The scope that a token needs for it.
    pub(super) fn scope(&self) -> &'static str {
        if self.writes() { "vso.packaging_write" } else { "vso.packaging" }
    }

    /// The role that a person needs for it.
    pub(super) fn role(&self) -> FeedRole {
        if self.writes() { FeedRole::Contributor } else { FeedRole::Reader }
    }
}

/// Understands names, escaped or not, and identifiers alike.
pub(super) fn parse(call: &Call) -> Option<Address> {
    let marker = call.segments.iter().position(|segment| segment.eq_ignore_ascii_case("_packaging"))?;
    let project = match &call.segments[..marker] {
        [_] => None,
        [_, project] => Some(project.clone()),
        _ => return None,
    };
    let rest: Vec<&str> = call.segments[marker + 1..].iter().map(String::as_str).collect();
    let [feed, nuget, protocol, rest @ ..] = rest.as_slice() else { return None };
    if !nuget.eq_ignore_ascii_case("nuget") {
        return None;
    }
    let (feed, view) = match feed.split_once('@') {
        Some((feed, view)) => (feed, Some(view.to_owned())),
        None => (*feed, None),
    };
    let resource = resource(&call.method, protocol, rest)?;
    Some(Address { project, feed: feed.to_owned(), view, resource })
}

fn resource(method: &Method, protocol: &str, rest: &[&str]) -> Option<Resource> {
    match (method, protocol, rest) {
        (&Method::GET | &Method::HEAD, "v3", ["index.json"]) => Some(Resource::Index),
        (&Method::GET | &Method::HEAD, "v3", ["flat2", rest @ ..]) => Route::flat(rest).map(Resource::Read),
        (&Method::GET | &Method::HEAD, "v3", ["registrations2", rest @ ..]) => {
            Route::registration(rest).map(Resource::Read)
        }
        (&Method::GET | &Method::HEAD, "v3", ["query2"]) => Some(Resource::Search),
        (&Method::PUT, "v2", []) => Some(Resource::Push),
        (&Method::DELETE, "v2", [id, version]) => {
            Some(Resource::Unlist { id: (*id).to_owned(), version: (*version).to_owned() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    fn parsed(method: &str, uri: &str, host: &str) -> Option<Address> {
        let request = http::Request::builder().method(method).uri(uri).header("host", host);
        parse(&Call::new(Host::Pkgs, request.body(()).expect("request").into_parts().0))
    }

    #[test]
    fn all_url_forms_name_the_feed() {
        let index = "nuget/v3/index.json";
        let host = "pkgs.dev.azure.com";
        let full = parsed("GET", &format!("/contoso/Payments%20Platform/_packaging/team/{index}"), host);
        let old = parsed(
            "GET",
            &format!("/DefaultCollection/Payments%20Platform/_packaging/team/{index}"),
            "contoso.pkgs.visualstudio.com",
        );
        assert!(full.is_some() && full == old);
        let view = parsed("GET", &format!("/contoso/_packaging/shared@Release/{index}"), host).expect("view");
        assert_eq!(
            (view.project, view.feed.as_str(), view.view.as_deref()),
            (None, "shared", Some("Release"))
        );
        let push = parsed("PUT", "/contoso/_packaging/shared/nuget/v2/", host).expect("push");
        assert_eq!(
            (push.resource.scope(), push.resource.role()),
            ("vso.packaging_write", FeedRole::Contributor)
        );
    }

    #[test]
    fn other_paths_name_nothing() {
        for path in [
            "/contoso/_packaging/shared",
            "/a/b/c/_packaging/shared/nuget/v3/index.json",
            "/contoso/_packaging/shared/npm/registry/",
            "/contoso/_packaging/shared/nuget/v3/flat2/a/1.0.0/b.1.0.0.nupkg",
            "/contoso/shared/nuget/v3/index.json",
        ] {
            assert_eq!(parsed("GET", path, "pkgs.dev.azure.com"), None, "{path}");
        }
    }
}
