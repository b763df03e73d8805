//! Trusted publishing: a pipeline's own identity for a key that lives an hour at most and is kept nowhere.

use std::io;

use valetkey_http::{Http, ProxyEnvironment, Settings, Url};
use valetkey_nuget_org::{NugetError, NugetOrg, Pipeline, ShortLived};
use valetkey_paths::env;
use valetkey_protocol::SecretString;

use crate::failure::Failure;

/// The pipeline this program runs in, as a verb sees it.
pub trait Publishing {
    /// A key of the gallery at this address, by the trust policy of this profile.
    fn key(&mut self, gallery: &str, profile: &str) -> Result<SecretString, NoKey>;
}

/// Why a pipeline got no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoKey {
    /// What is wrong: one line.
    pub sentence: String,
    /// What to do next: one line.
    pub hint: String,
}

impl From<NugetError> for NoKey {
    fn from(error: NugetError) -> Self {
        Self { sentence: error.sentence, hint: error.hint }
    }
}

impl From<NoKey> for Failure {
    fn from(NoKey { sentence, hint }: NoKey) -> Self {
        Self::failed(sentence, hint)
    }
}

/// The pipeline of this process's environment.
pub(crate) struct ThisPipeline;

impl Publishing for ThisPipeline {
    fn key(&mut self, gallery: &str, profile: &str) -> Result<SecretString, NoKey> {
        let lookup = |name: &str| env::PIPELINE.into_iter().find(|variable| variable.name() == name)?.text();
        let found = Pipeline::find(lookup, env::NUGET_ID_TOKEN.name())
            .map_err(|error| NoKey { sentence: error.to_string(), hint: error.hint() })?;
        let Some(pipeline) = found else {
            return Err(NoKey {
                sentence: "this is no job of GitHub Actions or GitLab, so it has no identity to show"
                    .to_owned(),
                hint: "leave `--trusted-publisher` out: a kept key is used then".to_owned(),
            });
        };
        let gallery = Url::parse(gallery).map_err(|error| NoKey {
            sentence: format!("the gallery's address is none: {error}"),
            hint: "correct `--source`".to_owned(),
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| not_started(&error))?;
        let issued: Result<ShortLived, NugetError> = runtime.block_on(async {
            let http = Http::new(settings());
            let token = pipeline.token(&http).await?;
            NugetOrg::new(http, gallery).exchange(&token, profile).await
        });
        Ok(issued?.secret)
    }
}

fn not_started(error: &io::Error) -> NoKey {
    NoKey { sentence: format!("the network cannot be used: {error}"), hint: "try again".to_owned() }
}

fn settings() -> Settings {
    let env::Captured { https_proxy, all_proxy, no_proxy, .. } = env::Captured::from_process();
    Settings { environment: ProxyEnvironment { https_proxy, all_proxy, no_proxy }, ..Settings::default() }
}
