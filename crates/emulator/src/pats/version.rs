//! API versions.

use crate::{answer::Answer, call::Call, devops::exception};

/// The published versions, all of them previews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V6_1,
    V7_0,
    V7_1,
    V7_2,
}

pub(super) fn parse(call: &Call) -> Result<Version, Answer> {
    let Some(asked) = call.api_version() else {
        let message = "No api-version was supplied for the \"{method}\" request. The version must be supplied either \
                       as part of the Accept header (e.g. \"application/json; api-version=1.0\") or as a query \
                       parameter (e.g. \"?api-version=1.0\").";
        let message = message.replace("{method}", call.method.as_str());
        return Err(exception(400, "VssVersionNotSpecifiedException", &message));
    };
    let (number, preview) =
        asked.split_once("-preview").map_or((asked.as_str(), None), |(n, rest)| (n, Some(rest)));
    let version = match number {
        "6.1" => Version::V6_1,
        "7.0" => Version::V7_0,
        "7.1" => Version::V7_1,
        "7.2" => Version::V7_2,
        _ => {
            let message =
                format!("The requested REST API version of {asked} is out of range for this server.");
            return Err(exception(400, "VssVersionOutOfRangeException", &message));
        }
    };
    if matches!(preview, Some("" | ".1")) {
        return Ok(version);
    }
    let message = format!(
        "The requested version \"{asked}\" of the resource is under preview. The -preview flag must be supplied in \
         the api-version for such requests. For example: \"{number}-preview\""
    );
    Err(exception(400, "VssInvalidPreviewVersionException", &message))
}
