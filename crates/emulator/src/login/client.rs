//! Is this application allowed to ask the token endpoint in this way?

use super::error::EntraError;
use crate::{
    call::Form,
    machines,
    world::{App, Platform, World},
};

/// RFC 7523 §2.2.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The application of a form post, its secret checked.
pub(crate) fn check(world: &mut World, form: &Form) -> Result<App, EntraError> {
    let client_id = form.get("client_id").ok_or_else(|| EntraError::of("missing_parameter"))?;
    let app = world.app(client_id).cloned().ok_or_else(|| EntraError::of("unknown_app"))?;
    let secret = form.get("client_secret");
    if let (Platform::Confidential { .. }, Some(assertion)) = (&app.platform, form.get("client_assertion")) {
        if form.get("client_assertion_type") != Some(ASSERTION) {
            return Err(EntraError::of("missing_parameter"));
        }
        machines::check(world, &app.client_id, assertion).map_err(EntraError::of)?;
        return Ok(app);
    }
    let error = match (&app.platform, secret) {
        (Platform::Public | Platform::SinglePage, None) => return Ok(app),
        (Platform::Public | Platform::SinglePage, Some(_)) => "secret_on_public",
        (Platform::Confidential { .. }, None) => "not_public",
        (Platform::Confidential { secret }, Some(given)) if secret == given => return Ok(app),
        (Platform::Confidential { .. }, Some(_)) => "wrong_secret",
    };
    Err(EntraError::of(error))
}
