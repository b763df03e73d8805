//! How the application is registered in Microsoft Entra: one page of text.
//!
//! Microsoft: "Register an application in Microsoft Entra ID", "Grant tenant-wide admin consent to an application",
//! "az ad app create". The ids of the permissions are looked up by the commands: the tenant's own directory knows
//! them, this program does not.

use std::path::Path;

/// Where an administrator consents for everybody (Microsoft: "Construct the URL for granting tenant-wide admin consent").
pub(crate) const ADMIN_CONSENT: &str =
    "https://login.microsoftonline.com/<tenant id>/adminconsent?client_id=<client id>";

/// The page for a person who may register applications.
pub(crate) fn for_yourself(config: &Path) -> String {
    let config = config.display();
    format!(
        "\
Valetkey signs in through an application that your organisation registers once.
It is a public client: there is no secret to keep. If you may not register one,
send your administrator the output of `valetkey setup entra --for-admin`.

{STEPS}
Then put the two ids into {config}

  [entra]
  client-id = \"<application (client) id>\"
  tenant = \"<directory (tenant) id>\"

and run `valetkey login <organisation>`.
"
    )
}

/// The text to send to an administrator.
pub(crate) fn for_admin() -> String {
    format!(
        "\
Subject: an application registration for Valetkey

Please register an application in Microsoft Entra for Valetkey. It signs a developer
in once and makes short-lived personal access tokens for git, each for one purpose in
one organisation, and revokes them. It runs on the developer's machine, as a public
client without a secret, and only ever acts as the signed-in person. It needs two
delegated permissions of Azure DevOps: to list a person's own personal access tokens
(vso.pats), and to create and revoke them (vso.pats_manage).

{STEPS}
Please send back the application (client) id and the directory (tenant) id. Also, personal
access tokens must be allowed for these people in Azure DevOps: Organization settings,
Policies; and in the tenant's policies under Organization settings, Microsoft Entra.
"
    )
}

const STEPS: &str = r#"In the portal: https://entra.microsoft.com, App registrations, New registration

  1. Name: Valetkey. Supported account types: this organizational directory only
  2. Authentication, Add a platform, "Mobile and desktop applications",
     redirect URI: http://localhost
  3. Authentication, "Allow public client flows": Yes
  4. API permissions, Add a permission, APIs my organization uses, Azure DevOps
     (499b84ac-1321-427f-aa17-267ca6975798), Delegated permissions:
     vso.pats and vso.pats_manage
  5. Grant admin consent, on the same page or at
     https://login.microsoftonline.com/<tenant id>/adminconsent?client_id=<client id>

The same with the Azure CLI; the first command looks up the ids of the permissions:

  az ad sp show --id 499b84ac-1321-427f-aa17-267ca6975798 \
    --query "[{resourceAppId: appId, resourceAccess: oauth2PermissionScopes[?value=='vso.pats' || value=='vso.pats_manage'].{id: id, type: 'Scope'}}]" \
    --output json > valetkey-permissions.json
  az ad app create --display-name Valetkey --sign-in-audience AzureADMyOrg \
    --public-client-redirect-uris http://localhost \
    --is-fallback-public-client true \
    --required-resource-accesses "@valetkey-permissions.json" \
    --query appId --output tsv
  az ad sp create --id <client id>
  az ad app permission admin-consent --id <client id>
  az account show --query tenantId --output tsv

valetkey-permissions.json must name two permissions; if it names none, the tenant has
not met Azure DevOps yet: run `az ad sp create --id 499b84ac-1321-427f-aa17-267ca6975798`
and look them up again.
"#;
