//! Git over HTTP, served by the real `git http-backend`.

mod backend;
mod push;
mod repositories;
mod request;

pub(crate) use repositories::{PROJECTS, Repositories};
pub(crate) use request::{GitRequest, Operation, Service, parse};

use hyper::body::Incoming;

use crate::{
    answer::Answer,
    call::Call,
    devops::{access, challenge, exception},
    server::Shared,
    world::Organisation,
};

/// Checks the credential, then lets git answer.
pub(crate) async fn serve(
    shared: &Shared,
    call: &Call,
    request: &GitRequest,
    body: Option<Incoming>,
) -> Answer {
    let organisation = match admit(shared, call, request) {
        Ok(organisation) => organisation,
        Err(answer) => return answer,
    };
    let directory =
        match shared.repositories.open(&organisation.name, &request.project, &request.repository).await {
            Ok(Some(directory)) => directory,
            Ok(None) => return not_found(&request.repository),
            Err(error) => return exception(500, "EmulatorException", &format!("{error:#}")),
        };
    let pushes = request.operation == Operation::Call && request.service == Service::ReceivePack;
    let head = if let (true, Some(mut body)) = (pushes, body) {
        match push::commands(&mut body).await {
            Ok(commands) => match commands.refused(|reference| organisation.protects(reference)) {
                Some(report) => return report,
                None => backend::Input::Rest { head: commands.into_bytes(), body },
            },
            Err(error) => return exception(400, "EmulatorException", &format!("{error:#}")),
        }
    } else {
        body_of(call)
    };
    backend::run(&shared.repositories, &directory, call, request, head)
        .await
        .unwrap_or_else(|error| exception(500, "EmulatorException", &format!("{error:#}")))
}

fn body_of(call: &Call) -> backend::Input {
    backend::Input::Whole(call.body.clone())
}

fn admit(shared: &Shared, call: &Call, request: &GitRequest) -> Result<Organisation, Answer> {
    let mut world = shared.world();
    let world = &mut *world;
    let Some(organisation) = world.organisation(&request.organisation).cloned() else {
        return Err(challenge::unauthenticated(world, call, None));
    };
    access::authenticate(world, call, &organisation, Some(request.service.scope()))?;
    if call.query.iter().filter(|(name, _)| name == "service").count() > 1 {
        return Err(not_found(&request.repository));
    }
    Ok(organisation)
}

fn not_found(repository: &str) -> Answer {
    let message = format!(
        "TF401019: The Git repository with name or identifier {repository} does not exist or you do not have \
         permissions for the operation you are attempting."
    );
    exception(404, "GitRepositoryNotFoundException", &message)
}
