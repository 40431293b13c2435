"""How the fake org lets clients in: OAuth and SOAP."""

from __future__ import annotations

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8" ?><env:Envelope '
    'xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>'
    '<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{user}</n1:username>'
    "<n1:password>{password}</n1:password></n1:login></env:Body></env:Envelope>"
)


def _token(salesforce, auth=None, **form):
    url = f"{salesforce.url}/services/oauth2/token"
    return salesforce.session.post(url, data=form, auth=auth, timeout=20)


def _works(salesforce, token):
    return salesforce.send("GET", "/limits", token=token).status_code


def test_client_credentials_in_header_and_body(salesforce, control, clock):
    tokens = salesforce.tokens
    pair = (tokens["client_id"], tokens["client_secret"])
    control.settings(service="salesforce", token_ttl_s=100.0)
    given = _token(salesforce, pair, grant_type="client_credentials").json()
    assert (given["instance_url"], given["token_type"]) == (salesforce.url, "Bearer")
    assert _works(salesforce, given["access_token"]) == 200
    body = {"client_id": pair[0], "client_secret": pair[1]}
    assert _token(salesforce, None, grant_type="client_credentials", **body).ok
    clock.advance(101)
    assert _works(salesforce, given["access_token"]) == 401
    for wrong, error in (
        ({"grant_type": "client_credentials", "client_id": "x"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", **body, "client_secret": "x"}, "invalid_client"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
    ):
        refused = _token(salesforce, None, **wrong)
        assert (refused.status_code, refused.json()["error"]) == (400, error)
    password = tokens["password"] + tokens["security_token"]
    form = {"grant_type": "password", "username": tokens["username"], **body}
    assert _token(salesforce, None, password=password, **form).ok
    assert _token(salesforce, None, password="x", **form).json()["error"] == "invalid_grant"


def test_assertions_are_verified(salesforce, clock):
    signing = load_pem_private_key(salesforce.tokens["jwt_private_key"].encode(), None)
    now = clock.wall().timestamp()
    good = {
        "iss": salesforce.tokens["client_id"],
        "sub": salesforce.tokens["username"],
        "aud": "https://login.salesforce.com",
        "exp": round(now) + 180,
    }

    def ask(key=signing, algorithm="RS256", **changes):
        assertion = jwt.encode(good | changes, key, algorithm)
        return _token(salesforce, None, grant_type=GRANT, assertion=assertion)

    assert _works(salesforce, ask().json()["access_token"]) == 200
    assert ask(aud=salesforce.url, exp=str(round(now) + 180)).ok
    for changes in (
        {"aud": "https://login.example.com"},
        {"exp": round(now) - 1},
        {"exp": str(round(now) + 600)},
        {"sub": "nobody@sandbox.example"},
        {"key": "s" * 32, "algorithm": "HS256"},
    ):
        assert ask(**changes).json()["error"] == "invalid_grant"
    assert ask(iss="x").json()["error"] == "invalid_client_id"


def test_refresh_tokens_may_work_once(salesforce, control):
    tokens = salesforce.tokens
    form = {
        "grant_type": "refresh_token",
        "client_id": tokens["client_id"],
        "client_secret": tokens["client_secret"],
    }
    for _ in range(2):
        answer = _token(salesforce, None, refresh_token=tokens["refresh_token"], **form)
        assert "refresh_token" not in answer.json()
    control.settings(service="salesforce", rotate_refresh=True)
    new = _token(salesforce, None, refresh_token=tokens["refresh_token"], **form).json()
    assert (
        _token(salesforce, None, refresh_token=tokens["refresh_token"], **form).status_code == 400
    )
    assert _token(salesforce, None, refresh_token=new["refresh_token"], **form).ok


def test_soap_login_is_old_and_can_be_off(salesforce, control):
    tokens = salesforce.tokens

    def login(version="59.0", password=None):
        secret = password or (tokens["password"] + tokens["security_token"])
        body = ENVELOPE.format(user=tokens["username"], password=secret.replace("&", "&amp;"))
        url = f"{salesforce.url}/services/Soap/u/{version}"
        headers = {"Content-Type": "text/xml", "SOAPAction": "login"}
        return salesforce.session.post(url, data=body, headers=headers, timeout=20)

    text = login().text
    assert f"<serverUrl>{salesforce.url}/services/Soap/u/59.0/00D" in text
    session = text.partition("<sessionId>")[2].partition("</sessionId>")[0]
    assert _works(salesforce, session) == 200
    for refused, code in (
        (login(password="x"), "INVALID_LOGIN"),
        (login("65.0"), "UNSUPPORTED_API_VERSION"),
    ):
        assert refused.status_code == 500
        assert f"<sf:exceptionCode>{code}</sf:exceptionCode>" in refused.text
    control.settings(service="salesforce", soap_login=False)
    assert "<sf:exceptionCode>INVALID_OPERATION<" in login().text


def test_a_token_can_die_in_the_middle(salesforce, control):
    pair = (salesforce.tokens["client_id"], salesforce.tokens["client_secret"])
    token = _token(salesforce, pair, grant_type="client_credentials").json()["access_token"]
    control.faults(service="salesforce", kind="expired_session", op="limits", times=1)
    assert [_works(salesforce, token) for _ in range(2)] == [401, 401]
    assert _works(salesforce, salesforce.tokens["session"]) == 200
    assert control.stats()["salesforce"]["unauthorized"] == 1
    control.faults(service="salesforce", kind="error_before", op="token", status=503)
    assert _token(salesforce, pair, grant_type="client_credentials").status_code == 503
