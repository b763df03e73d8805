//! How Azure DevOps says no to a credential (Microsoft: git and REST authentication; header sets as recorded
//! from the service).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::exception_with_bom;
use crate::{
    answer::Answer,
    call::Call,
    host::Host,
    switches::SignInAnswer,
    world::{Organisation, TENANT_ZERO, World},
};

/// No credential, or one that the service has never seen: the full challenge.
pub(crate) fn unauthenticated(world: &mut World, call: &Call, organisation: Option<&Organisation>) -> Answer {
    let is_git = call.segments.iter().any(|segment| segment.eq_ignore_ascii_case("_git"));
    // Clients of git and of feeds cannot sign in on a page, so they always get a plain 401.
    let page = matches!(call.method, Method::GET | Method::HEAD)
        && !call.suppresses_sign_in()
        && !is_git
        && call.host != Host::Pkgs;
    let answer = match (page, world.switches.sign_in_answer) {
        (false, _) => Answer::empty(401),
        (true, SignInAnswer::Page) => Answer::html(203, sign_in_page()),
        (true, SignInAnswer::Redirect) => {
            let realm = url::Url::parse(&world.urls.dev).ok();
            let realm = realm.as_ref().and_then(url::Url::host_str).unwrap_or_default().to_owned();
            Answer::redirect(&format!("{}/_signin?realm={realm}&protocol=&reply_to=", world.urls.dev))
        }
    };
    with_challenges(world, call, answer, organisation)
}

fn with_challenges(
    world: &mut World,
    call: &Call,
    answer: Answer,
    organisation: Option<&Organisation>,
) -> Answer {
    let bearer = bearer(world, organisation);
    let basic = basic(world, call);
    let mut answer = if world.switches.challenge_joined {
        answer.header("www-authenticate", &format!("{bearer}, {basic}, TFS-Federated"))
    } else {
        answer
            .header("www-authenticate", &bearer)
            .header("www-authenticate", &basic)
            .header("www-authenticate", "TFS-Federated")
    };
    if let Some(organisation) = organisation {
        let tenants = if world.switches.challenge_two_tenants {
            format!("{TENANT_ZERO},{}", organisation.tenant)
        } else {
            organisation.tenant.clone()
        };
        let sps = format!("{}/{}/", world.urls.vssps, organisation.name);
        answer = answer.header("x-vss-resourcetenant", &tenants).header("x-vss-authorizationendpoint", &sps);
    }
    with_activity(world, answer)
}

fn basic(world: &World, call: &Call) -> String {
    let base = if call.host == Host::Pkgs { &world.urls.pkgs } else { &world.urls.dev };
    format!("Basic realm=\"{base}/\"")
}

/// What both authenticated and refused answers carry.
pub(crate) fn with_activity(world: &mut World, answer: Answer) -> Answer {
    let (activity, end_to_end) = (world.random.guid(), world.random.guid());
    answer.header("activityid", &activity).header("x-vss-e2eid", &end_to_end)
}

fn bearer(world: &World, organisation: Option<&Organisation>) -> String {
    let tenant =
        organisation.map(|organisation| organisation.tenant.as_str()).filter(|tenant| *tenant != TENANT_ZERO);
    let Some(tenant) = tenant else { return "Bearer".to_owned() };
    if world.switches.challenge_bare_bearer {
        return "Bearer".to_owned();
    }
    let uri = if world.switches.challenge_alias_host {
        format!("https://login.windows.net/{tenant}")
    } else {
        format!("{}/{tenant}", world.urls.login)
    };
    if world.switches.challenge_quoted {
        format!("Bearer authorization_uri=\"{uri}\"")
    } else {
        format!("Bearer authorization_uri={uri}")
    }
}

/// A PAT that expired, was revoked or lacks the scope: the same bytes for all three.
pub(crate) fn dead_pat(world: &mut World, call: &Call) -> Answer {
    let realm = basic(world, call);
    with_activity(world, Answer::empty(401).header("www-authenticate", &realm))
}

/// An Entra token that opens nothing here.
pub(crate) fn bearer_refused(world: &mut World, type_key: &str, message: &str) -> Answer {
    told_by_header(world, exception_with_bom(401, type_key, message), message)
}

/// The answer with its message in a header, and a challenge where it is a 401.
pub(crate) fn told_by_header(world: &mut World, answer: Answer, message: &str) -> Answer {
    let encoded = utf8_percent_encode(message, NON_ALPHANUMERIC).to_string();
    let answer = if answer.status == 401 { answer.header("www-authenticate", "Bearer") } else { answer };
    with_activity(world, answer.header("x-tfs-serviceerror", &encoded))
}

/// TF400813, the message of most refusals.
pub(crate) fn not_authorized(world: &mut World, who: &str) -> Answer {
    let message = format!("TF400813: The user '{who}' is not authorized to access this resource.");
    bearer_refused(world, "UnauthorizedRequestException", &message)
}

/// Continuous access evaluation (Microsoft: "Claims challenges, claims requests and client capabilities").
pub(crate) fn insufficient_claims(world: &mut World, claims: &str) -> Answer {
    let uri = if world.switches.claims_challenge_uri {
        format!("authorization_uri=\"{}/common/oauth2/authorize\", ", world.urls.login)
    } else {
        String::new()
    };
    let encoded = STANDARD.encode(claims);
    let value = format!("Bearer realm=\"\", {uri}error=\"insufficient_claims\", claims=\"{encoded}\"");
    with_activity(world, Answer::empty(401).header("www-authenticate", &value))
}

/// The 16 KB that a client gets which did not ask for a plain 401.
pub(crate) fn sign_in_page() -> String {
    let filler = "<!-- sign-in script -->\n".repeat(16 * 1024 / 24);
    format!(
        "<!DOCTYPE html><html lang=\"en-US\"><head><title>Azure DevOps Services | Sign In</title></head>\
         <body>{filler}</body></html>"
    )
}
