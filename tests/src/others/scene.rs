//! A sandbox among servers of others.

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::{Nginx, OidcProvider, PROVIDER, Person, Plan, Settings, Tls};
use crate::{Sandbox, World, fidelity::client, find_on_path, programs};

/// Everything; the sandbox goes first, so that its agent can still say goodbye.
#[derive(Debug)]
pub struct Scene {
    /// The private home.
    pub sandbox: Sandbox,
    /// The identity provider.
    pub provider: OidcProvider,
    /// The web server, where the scene has one.
    pub nginx: Option<Nginx>,
    _folder: TempDir,
}

impl Scene {
    /// A provider and nothing else: what there is to sign in at.
    pub fn of_provider(settings: Settings, more: &str) -> Result<Self> {
        let (sandbox, provider, tls, folder) = parts(settings)?;
        std::fs::write(sandbox.home().join("authority.pem"), &tls.authority_pem)?;
        let vault = if more.contains("[vault]") { "" } else { "[vault]\nstore = \"memory\"\n" };
        sandbox.write_configuration(&format!(
            "[entra]\nauthority = \"{}\"\nclient-id = \"{}\"\ntenant = \"{}\"\n\n[network]\nca-file = \"{}\"\n\n{vault}{more}",
            provider.url(),
            provider.client_id(),
            provider.tenant(),
            sandbox.home().join("authority.pem").display(),
        ))?;
        Ok(Self { sandbox, provider, nginx: None, _folder: folder })
    }

    /// A provider, and nginx that asks it.
    pub fn of_servers(settings: Settings, more: &str) -> Result<Self> {
        let (mut sandbox, provider, tls, folder) = parts(settings)?;
        let plan = Plan { tls: &tls, provider: &provider, folder: folder.path() };
        let nginx = Nginx::start(&plan)?;
        let world = World {
            login: provider.url(),
            vssps: nginx.pats(),
            dev: nginx.dev(),
            pkgs: nginx.pkgs(),
            nuget: nginx.pkgs(),
            authority_pem: tls.authority_pem,
            client_id: provider.client_id().to_owned(),
        };
        sandbox.configure(&world, more)?;
        Ok(Self { sandbox, provider, nginx: Some(nginx), _folder: folder })
    }

    /// The web server.
    pub fn nginx(&self) -> Result<&Nginx> {
        self.nginx.as_ref().context("this scene has no nginx")
    }

    /// The versions of its servers, at the end of a flow in which the provider was content.
    pub fn versions(&self) -> Result<String> {
        self.provider.content()?;
        let mut versions = vec![self.provider.version()?];
        versions.extend(self.nginx.as_ref().map(Nginx::version).transpose()?);
        Ok(versions.join(", "))
    }

    /// Somebody with a browser.
    pub fn person(&self) -> Result<Person> {
        Person::new("ann@contoso.example")
    }
}

fn parts(settings: Settings) -> Result<(Sandbox, OidcProvider, Tls, TempDir)> {
    let sandbox = Sandbox::new(&programs()?, &find_on_path("git").context("git is not installed")?)?;
    let folder = tempfile::Builder::new().prefix("vk-others-").tempdir()?;
    let tls = Tls::generate(folder.path())?;
    let package = client(PROVIDER).context("oidc-provider is not installed")?;
    let provider = OidcProvider::start(&package, folder.path(), &tls, settings)?;
    Ok((sandbox, provider, tls, folder))
}
