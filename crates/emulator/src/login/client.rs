//! Is this application allowed to ask the token endpoint in this way?

use super::error::EntraError;
use crate::{
    call::Form,
    world::{App, Platform, World},
};

/// The token of a platform that every confidential application here trusts.
const FEDERATED: &str = "emulator-federated-token";

/// The application of a form post, its secret checked.
pub(crate) fn check(world: &World, form: &Form) -> Result<App, EntraError> {
    let client_id = form.get("client_id").ok_or_else(|| EntraError::of("missing_parameter"))?;
    let app = world.app(client_id).ok_or_else(|| EntraError::of("unknown_app"))?;
    let secret = form.get("client_secret").or_else(|| form.get("client_assertion"));
    let error = match (&app.platform, secret) {
        (Platform::Public | Platform::SinglePage, None) => return Ok(app.clone()),
        (Platform::Public | Platform::SinglePage, Some(_)) => "secret_on_public",
        (Platform::Confidential { .. }, None) => "not_public",
        (Platform::Confidential { .. }, Some(given)) if given == FEDERATED => return Ok(app.clone()),
        (Platform::Confidential { secret }, Some(given)) if secret == given => return Ok(app.clone()),
        (Platform::Confidential { .. }, Some(_)) => "wrong_secret",
    };
    Err(EntraError::of(error))
}
