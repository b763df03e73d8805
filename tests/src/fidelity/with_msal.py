"""Drives MSAL for Python at the emulator. Arguments: the step, the client id.

What only the person and the administrator can do is asked for on standard output, a line each, and awaited on
standard input. The last line is the version.
"""

import base64
import json
import os
import re
import sys
import threading
import time

import msal
import requests

RESOURCE = "499b84ac-1321-427f-aa17-267ca6975798"
SCOPES = [RESOURCE + "/vso.pats", RESOURCE + "/vso.pats_manage"]
AUTHORITY = "https://login.microsoftonline.com/organizations"
HOME = "7e4a47f1-0000-4000-8000-000000000001"
DATA = "https://dev.azure.com/contoso/_apis/connectionData?api-version=7.1-preview.1"
PATS = "https://vssps.dev.azure.com/contoso/_apis/tokens/pats?api-version=7.1-preview.1"

CLIENT = sys.argv[2]


def ask(wish):
    """The person and the administrator, whom no client drives."""
    print(wish, flush=True)
    assert sys.stdin.readline() == "done\n"


def control(what, **fields):
    ask("tell %s %s" % (what, json.dumps(fields)))


def application(authority=AUTHORITY, **options):
    return msal.PublicClientApplication(CLIENT, authority=authority, **options)


def tokens(answer):
    assert "access_token" in answer, answer
    return answer


def refused(answer, error, suberror=None, code=None):
    assert answer.get("error") == error, answer
    assert suberror is None or answer.get("suberror") == suberror, answer
    assert code is None or code in answer["error_codes"], answer
    assert answer["correlation_id"] and answer["trace_id"], answer
    return answer


def with_device_code(app, user="alice", approve=True):
    flow = app.initiate_device_flow(SCOPES)
    assert "user_code" in flow and flow["user_code"] in flow["message"], flow
    if approve:
        answer = {"user-code": flow["user_code"], "user": user}
    else:
        answer = {"user-code": flow["user_code"], "deny": True}
    # MSAL polls at once: only its second try finds that the person has made up their mind.
    polls = []

    def exit_condition(flow):
        polls.append(flow)
        if len(polls) == 2:
            control("approve-device", **answer)
        return flow.get("expires_at", 0) < time.time()

    return app.acquire_token_by_device_flow(flow, exit_condition=exit_condition)


def list_keys(token):
    headers = {"Authorization": "Bearer " + token, "X-TFS-FedAuthRedirect": "Suppress"}
    return requests.get(PATS, headers=headers)


def account(app):
    accounts = app.get_accounts(username="alice@contoso.example")
    assert len(accounts) == 1, accounts
    assert accounts[0]["home_account_id"].endswith("." + HOME), accounts
    return accounts[0]


def discovery():
    for host in ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com"]:
        for tenant in ["organizations", "common", "contoso.example", HOME]:
            app = application("https://%s/%s" % (host, tenant))
            assert app.authority.token_endpoint.startswith("https://login."), vars(app.authority)
    trusting = application("https://login.windows.net/" + HOME, validate_authority=False)
    assert trusting.authority.tenant == HOME, vars(trusting.authority)
    own = application("https://login.microsoftonline.com/" + HOME, instance_discovery=False)
    assert own.authority.tenant == HOME, vars(own.authority)
    same = application(None, oidc_authority="https://login.microsoftonline.com/%s/v2.0" % HOME)
    assert same.authority.tenant == HOME, vars(same.authority)
    for authority, words in [
        ("https://login.foreign.example/organizations", "invalid_instance"),
        ("https://login.microsoftonline.com/nowhere.example", "Unable to get authority configuration"),
    ]:
        try:
            application(authority)
        except ValueError as error:
            assert words in str(error), error
        else:
            raise AssertionError(authority)
    # The aliases: a token got under one name is found under another.
    one = application("https://login.microsoftonline.com/" + HOME)
    tokens(with_device_code(one))
    other = application("https://login.windows.net/" + HOME, token_cache=one.token_cache)
    tokens(other.acquire_token_silent(SCOPES, account=account(other)))


def in_browser(app, choice):
    """MSAL waits for its loopback listener, so the person acts meanwhile."""
    person = threading.Thread(target=ask, args=("person " + choice,))
    person.start()
    answer = app.acquire_token_interactive(SCOPES, login_hint="alice@contoso.example", timeout=90)
    person.join()
    return answer


def browser():
    app = application()
    answer = tokens(in_browser(app, "signs in"))
    person = answer["id_token_claims"]
    assert person["preferred_username"] == "alice@contoso.example", person
    # MSAL only warns of these.
    assert person["aud"] == CLIENT and person["tid"] == HOME, person
    assert person["iss"] == "https://login.microsoftonline.com/%s/v2.0" % HOME, person
    assert list_keys(answer["access_token"]).status_code == 200
    assert account(app)["username"] == "alice@contoso.example"
    gone = in_browser(application(), "cancels")
    assert gone["error"] == "access_denied", gone
    assert "AADSTS65004" in gone["error_description"], gone


def device():
    app = application()
    answer = tokens(with_device_code(app))
    assert answer["token_type"] == "Bearer" and answer["expires_in"] > 300, answer
    granted = set(answer["scope"].split())
    assert set(SCOPES) <= granted, granted
    assert list_keys(answer["access_token"]).status_code == 200
    cached = tokens(app.acquire_token_silent(SCOPES, account=account(app)))
    assert cached["token_source"] == "cache", cached
    declined = with_device_code(application(), approve=False)
    assert declined["error"] == "authorization_declined", declined


def silent():
    app = application()
    first = tokens(with_device_code(app))
    second = tokens(app.acquire_token_silent(SCOPES, account=account(app), force_refresh=True))
    assert second["token_source"] == "identity_provider", second
    assert second["access_token"] != first["access_token"]
    assert list_keys(second["access_token"]).status_code == 200
    # Another tenant where the person is a guest, from the same refresh token.
    other = application("https://login.microsoftonline.com/fabrikam.example", token_cache=app.token_cache)
    guest = tokens(other.acquire_token_silent(SCOPES, account=account(other)))
    assert guest["access_token"] != second["access_token"]


def claims():
    app = application(client_capabilities=["CP1"])
    first = tokens(with_device_code(app))
    control("challenge-claims", user="alice")
    refusal = list_keys(first["access_token"])
    assert refusal.status_code == 401, refusal.status_code
    challenge = refusal.headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in challenge, challenge
    asked = base64.b64decode(re.search('claims="([^"]+)"', challenge).group(1)).decode()
    second = tokens(app.acquire_token_silent(SCOPES, account=account(app), claims_challenge=asked))
    assert second["access_token"] != first["access_token"]
    assert list_keys(second["access_token"]).status_code == 200


def errors():
    app = application()
    tokens(with_device_code(app))
    person = account(app)

    def again():
        return app.acquire_token_silent_with_error(SCOPES, account=person, force_refresh=True)

    for state, error, suberror, code in [
        ("needs-mfa", "interaction_required", "basic_action", 50076),
        ("device-not-compliant", "interaction_required", "additional_action", 53000),
        ("blocked", "invalid_grant", "message_only", 53003),
        ("consent-missing", "invalid_grant", "consent_required", 65001),
        ("sign-in-frequency", "invalid_grant", "token_expired", 70043),
    ]:
        control("users", user="alice", state=state)
        # A fresh application has no throttle; the cache is the same: MSAL keeps the refresh token through all of them.
        app = application(token_cache=app.token_cache)
        answer = refused(again(), error, suberror, code)
        if state == "needs-mfa":
            assert "access_token" in json.loads(answer["claims"]), answer
    control("users", user="alice", state="normal")
    app = application(token_cache=app.token_cache)
    tokens(again())
    control("revoke-sessions", user="alice")
    app = application(token_cache=app.token_cache)
    refused(again(), "invalid_grant", "bad_token", 50173)
    assert app.acquire_token_silent(SCOPES, account=person, force_refresh=True) is None
    unknown = msal.PublicClientApplication("00000000-aaaa-4000-8000-000000000000", authority=AUTHORITY)
    flow = unknown.initiate_device_flow(SCOPES)
    assert flow["error"] == "unauthorized_client", flow


def managed():
    """Each in turn by the variables that its platform sets."""
    own = msal.SystemAssignedManagedIdentity()
    other = msal.UserAssignedManagedIdentity(client_id="00000000-aaaa-4000-8000-000000000000")
    named = msal.UserAssignedManagedIdentity(client_id=os.environ["IDENTITY"])
    places = [
        (msal.managed_identity.DEFAULT_TO_VM, {}),
        (msal.managed_identity.APP_SERVICE, {
            "IDENTITY_ENDPOINT": os.environ["SERVICE_ENDPOINT"], "IDENTITY_HEADER": os.environ["SERVICE_HEADER"],
        }),
        (msal.managed_identity.AZURE_ARC, {
            "IDENTITY_ENDPOINT": os.environ["ARC_ENDPOINT"], "IMDS_ENDPOINT": os.environ["ARC_IMDS"],
        }),
    ]
    for source, variables in places:
        for name in ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IMDS_ENDPOINT"]:
            os.environ.pop(name, None)
        os.environ.update(variables)
        assert msal.managed_identity.get_managed_identity_source() is source

        def ask(identity):
            client = msal.ManagedIdentityClient(identity, http_client=requests.Session())
            return client, client.acquire_token_for_client(resource=RESOURCE)

        for identity in [own, named]:
            client, answer = ask(identity)
            first = tokens(answer)
            assert first["token_source"] == "identity_provider" and first["expires_in"] > 300, first
            headers = {"Authorization": "Bearer " + first["access_token"]}
            assert requests.get(DATA, headers=headers).status_code == 200
            again = tokens(client.acquire_token_for_client(resource=RESOURCE))
            assert again["token_source"] == "cache", again
            # They make no personal access tokens.
            assert list_keys(first["access_token"]).status_code == 401
        _, answer = ask(other)
        assert "access_token" not in answer and "error" in answer, answer
        if source is msal.managed_identity.AZURE_ARC:
            control("switches", **{"arc-own-identity-only": True})
            tokens(ask(own)[1])
            try:
                ask(named)
            except msal.ManagedIdentityError as error:
                assert "did not confirm" in str(error), error
            else:
                raise AssertionError("another identity was taken")


STEPS = {step.__name__: step for step in [discovery, browser, device, silent, claims, errors, managed]}
STEPS[sys.argv[1]]()
print(msal.__version__)
