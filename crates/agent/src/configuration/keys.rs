//! Every key, for the reference.

use std::fmt::Write as _;

/// One key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Section it stands in.
    pub section: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its default as TOML; empty where there is none.
    pub default: &'static str,
    /// A value as TOML, where there is no default to show the form.
    pub example: &'static str,
    /// What it is for: sentences.
    pub meaning: &'static str,
}

const fn key(
    section: &'static str,
    name: &'static str,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    Key { section, name, default, example, meaning }
}

/// Every key there is, in the order of the reference.
pub const KEYS: &[Key] = &[
    key(
        "entra",
        "client-id",
        "",
        r#""6d1f6a3e-8f0f-4c59-9a57-0d6f0c1b2a34""#,
        "Application (client) id of your organisation's registration. `valetkey setup entra` says how to make one. \
         None is built in.",
    ),
    key(
        "entra",
        "tenant",
        r#""organizations""#,
        "",
        "Tenant id or domain to sign in to, where the organisation does not tell.",
    ),
    key(
        "entra",
        "authority",
        r#""https://login.microsoftonline.com""#,
        "",
        "The identity provider. `https`, or `http` on a loopback address.",
    ),
    key(
        "azure-devops",
        "dev",
        r#""https://dev.azure.com""#,
        "",
        "Where organisations are. The host, with its port, is served in addition to `dev.azure.com` and \
         `*.visualstudio.com`.",
    ),
    key(
        "azure-devops",
        "pkgs",
        r#""https://pkgs.dev.azure.com""#,
        "",
        "Where feeds are. The host, with its port, is served in addition to `pkgs.dev.azure.com` and \
         `*.pkgs.visualstudio.com`.",
    ),
    key(
        "azure-devops",
        "pats",
        r#""https://vssps.dev.azure.com""#,
        "",
        "Where keys are made: the PAT Lifecycle Management API.",
    ),
    key(
        "keys",
        "lifetime-hours",
        "8",
        "",
        "How long a key lives, 1 to 168 hours. The organisation's policy may make it shorter.",
    ),
    key(
        "keys",
        "allow-write",
        "true",
        "",
        "Whether keys that can push are made. If not, `git push` and `dotnet nuget push` to a feed are refused.",
    ),
    key(
        "keys",
        "mints-per-hour",
        "60",
        "",
        "New keys an hour at most, 1 to 1000. The agent refuses to make more.",
    ),
    key(
        "issuers",
        "session-tokens",
        "true",
        "",
        "Whether a session token is asked for where a policy refuses a personal access token. It is an undocumented \
         door of Microsoft's own tools; such a token lives a day at most and cannot be revoked.",
    ),
    key(
        "issuers",
        "entra-organisations",
        "[]",
        "",
        "Organisations that get an access token of Microsoft Entra where policies refuse both of the other kinds. It \
         lives an hour, cannot be revoked, and is not bound to the organisation: it opens whatever its registration \
         and the person may. Needs `entra-client-id`.",
    ),
    key(
        "issuers",
        "entra-client-id",
        "",
        r#""7e2b8c55-3a41-4a0e-9d0b-5f6d7c8e9a10""#,
        "The registration whose tokens may be handed out: one of its own, with `vso.code_write` or `vso.packaging` and \
         without `vso.pats_manage`, so that what is handed out can never mint; sign in to it once with `valetkey login \
         ORG --client-id ID`. If it is the same as `client-id`, handed-out tokens can mint.",
    ),
    key("nuget", "nuget-org", r#""https://www.nuget.org""#, "", "Where `valetkey nuget` finds nuget.org."),
    key(
        "network",
        "proxy",
        "",
        r#""http://proxy.contoso.example:8080""#,
        "Proxy for everything outside; empty for none. Default: `HTTPS_PROXY` or `ALL_PROXY` of the environment the agent was started in. Used from the next start.",
    ),
    key(
        "network",
        "no-proxy",
        "",
        r#""localhost,.contoso.example""#,
        "Hosts reached without the proxy. Default: `NO_PROXY` of the environment the agent was started in. Used from the next start.",
    ),
    key(
        "network",
        "ca-file",
        "",
        r#""/etc/ssl/certs/contoso.pem""#,
        "PEM file of authorities trusted in addition to the system's. An absolute path. Used from the next start.",
    ),
    key(
        "vault",
        "store",
        r#""os""#,
        "",
        "Where secrets rest: `os` (the system's keyring), `sealed` (an encrypted file) or `memory` (gone when the agent \
         ends). Never changed silently to a weaker one. Used from the next start.",
    ),
    key(
        "vault",
        "sealed-key",
        r#""kernel""#,
        "",
        "What opens the sealed file: `kernel` (the kernel's keyring, until reboot) or `passphrase` (`valetkey unlock`). \
         Used from the next start.",
    ),
    key(
        "agent",
        "idle-exit-minutes",
        "480",
        "",
        "Minutes without any connection until the agent ends, at most 43200; 0 for never. It is started again by need.",
    ),
    key("agent", "allow-root", "false", "", "Whether root may connect to an agent that is not root's own."),
    key(
        "agent",
        "notify",
        "true",
        "",
        "Whether the desktop shows a notification when a session has ended and a program without a terminal asked: once \
         for each reason until you sign in again. Linux only.",
    ),
];

/// The reference in Markdown: one section a table.
pub fn reference() -> String {
    let mut out = String::new();
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            section = key.section;
            let head = "| key | default | meaning |\n| --- | --- | --- |";
            let _ = write!(out, "{}## `[{section}]`\n\n{head}\n", if out.is_empty() { "" } else { "\n" });
        }
        let default = match key.default {
            "" => format!("none, for example `{}`", key.example),
            default => format!("`{default}`"),
        };
        let _ = writeln!(out, "| `{}` | {default} | {} |", key.name, key.meaning);
    }
    out
}
