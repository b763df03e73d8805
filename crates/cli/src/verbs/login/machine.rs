//! Signing in as a machine: what its platform put into the environment, and what was named.

use std::path::{Path, PathBuf};

use valetkey_paths::env::{self, Variable};
use valetkey_protocol::{Answer, Machine, MachineProof, Request, SecretString, TokenSource};

use crate::{
    agent::{Start, ask},
    args::{Login, Proof},
    failure::Failure,
    verbs::hint,
    world::{Place, World},
};

const GITHUB: &str = "give the job `permissions: id-token: write`";
/// The program of an Azure Arc agent. Its variables are set for services, and not in every shell.
const ARC_AGENT: &str = if cfg!(windows) {
    r"C:\Program Files\AzureConnectedMachineAgent\himds.exe"
} else {
    "/opt/azcmagent/bin/himds"
};
/// Where it answers (Microsoft: "Authenticate against Azure resources with Azure Arc-enabled servers").
const ARC: &str = "http://localhost:40342/metadata/identity/oauth2/token";
const PIPELINES: &str = "pass `SYSTEM_ACCESSTOKEN: $(System.AccessToken)` to the step";

/// The machine that was meant. What it proves itself with, where that is in the environment, is given to the agent.
pub(super) fn stand_for(args: &Login, proof: Proof, world: &mut World<'_>) -> Result<TokenSource, Failure> {
    let (machine, secret) = meant(args, proof, &world.place)?;
    if let Some(host) = text(&world.place, env::AZURE_AUTHORITY_HOST)
        && !host.trim_end_matches('/').ends_with("//login.microsoftonline.com")
    {
        let line = format!(
            "`AZURE_AUTHORITY_HOST` is not followed: `authority` under `[entra]` must be `{}`",
            valetkey_protocol::shown(&host)
        );
        hint(world, &line)?;
    }
    if let Some(proof) = secret {
        let proof = MachineProof { machine: machine.clone(), proof };
        match ask(world.agent, &Request::MachineProof(proof), Start::OnDemand)? {
            Answer::Done => {}
            other => return Err(Failure::unexpected(other)),
        }
    }
    Ok(TokenSource::Machine(machine))
}

/// The tenant that the platform names.
pub(super) fn tenant(place: &Place) -> Option<String> {
    text(place, env::AZURE_TENANT_ID)
}

fn meant(args: &Login, proof: Proof, place: &Place) -> Result<(Machine, Option<SecretString>), Failure> {
    let named = args.client_id.clone().or_else(|| text(place, env::AZURE_CLIENT_ID));
    if proof == Proof::Managed {
        return managed(named, place);
    }
    let client_id = named.ok_or_else(|| {
        Failure::failed("the application is not named", "pass its client id: `--client-id ID`")
    })?;
    match proof {
        Proof::Secret => Ok((Machine::SecretFile { client_id, file: file(args, proof, place)? }, None)),
        Proof::Certificate => {
            Ok((Machine::CertificateFile { client_id, file: file(args, proof, place)? }, None))
        }
        Proof::Federated => Ok((Machine::FederatedFile { client_id, file: file(args, proof, place)? }, None)),
        Proof::Github => {
            let url = needed(place, env::ACTIONS_ID_TOKEN_REQUEST_URL, GITHUB)?;
            let token = needed(place, env::ACTIONS_ID_TOKEN_REQUEST_TOKEN, GITHUB)?;
            Ok((Machine::Github { client_id, url }, Some(token.into())))
        }
        Proof::Pipelines | Proof::Managed => {
            let connection = args.service_connection.clone();
            let connection = connection.or_else(|| text(place, env::AZURESUBSCRIPTION_SERVICE_CONNECTION_ID));
            let connection = connection.ok_or_else(|| {
                let hint = "pass the id in its address in Azure DevOps: `--service-connection ID`";
                Failure::failed("the service connection is not named", hint)
            })?;
            let url = needed(place, env::SYSTEM_OIDCREQUESTURI, "run this in a job of Azure Pipelines")?;
            let token = needed(place, env::SYSTEM_ACCESSTOKEN, PIPELINES)?;
            Ok((Machine::Pipelines { client_id, url, connection }, Some(token.into())))
        }
    }
}

fn managed(client_id: Option<String>, place: &Place) -> Result<(Machine, Option<SecretString>), Failure> {
    if let Some(endpoint) = text(place, env::IDENTITY_ENDPOINT) {
        if text(place, env::IDENTITY_HEADER).is_none() && text(place, env::IMDS_ENDPOINT).is_some() {
            return Ok((Machine::Arc { client_id, endpoint }, None));
        }
        let header = needed(place, env::IDENTITY_HEADER, "leave both variables as Azure sets them")?;
        return Ok((Machine::AppService { client_id, endpoint }, Some(header.into())));
    }
    let host = text(place, env::AZURE_POD_IDENTITY_AUTHORITY_HOST);
    if host.is_none() && Path::new(ARC_AGENT).exists() {
        return Ok((Machine::Arc { client_id, endpoint: ARC.to_owned() }, None));
    }
    Ok((Machine::Managed { client_id, host }, None))
}

/// Where the proof lies: where Kubernetes says, unless a file is named.
fn file(args: &Login, proof: Proof, place: &Place) -> Result<String, Failure> {
    let federated = || place.environment.get(env::AZURE_FEDERATED_TOKEN_FILE).map(PathBuf::from);
    let file = args.proof_file.clone().or_else(|| federated().filter(|_| proof == Proof::Federated));
    let missing =
        || Failure::failed("there is no file with the application's proof", "name it with `--proof-file`");
    let file = place.folder.join(file.ok_or_else(missing)?);
    file.to_str().map(str::to_owned).ok_or_else(missing)
}

fn text(place: &Place, variable: Variable) -> Option<String> {
    let value = place.environment.get(variable)?.to_str()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn needed(place: &Place, variable: Variable, hint: &str) -> Result<String, Failure> {
    text(place, variable)
        .ok_or_else(|| Failure::failed(format!("the variable `{}` is not set", variable.name()), hint))
}
