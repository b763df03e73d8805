"""Signs in by device code with Microsoft's library, then refreshes. Arguments: authority, client id, CA file, scope."""

import json
import sys

import msal

authority, client_id, ca_file, scope = sys.argv[1:]
app = msal.PublicClientApplication(client_id, authority=authority, instance_discovery=False, verify=ca_file)
flow = app.initiate_device_flow(scopes=[scope])
print(flow.get("user_code", json.dumps(flow)), flush=True)
signed_in = app.acquire_token_by_device_flow(flow)
account = app.get_accounts()[0] if app.get_accounts() else None
again = app.acquire_token_silent([scope], account=account, force_refresh=True) if account else {}
print(json.dumps({
    "error": signed_in.get("error_description") or (again or {}).get("error_description"),
    "user": signed_in.get("id_token_claims", {}).get("preferred_username"),
    "refreshed": bool(again) and again.get("access_token") != signed_in.get("access_token"),
    "version": msal.__version__,
}))
