"""Four ways to log in, what each refusal means, and one login at a time."""

from __future__ import annotations

import base64
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from scripted import SECRET, URL, connection, response

from syncflow_dagster.nodes.salesforce.login import Token, log_in
from syncflow_dagster.nodes.salesforce.login_errors import LoginRefused, LoginUnavailable
from syncflow_dagster.nodes.salesforce.tokens import Tokens

APP = {"type": "client_credentials", "client_id": "the-app", "client_secret": SECRET}
SOAP = {"type": "soap", "username": "a&b@x.com", "password": "p<w", "security_token": "t&k"}
GIVEN = {"access_token": "00D!new", "instance_url": "https://eu7.salesforce.com"}
SOAP_GIVEN = (
    "<x><sessionId>00D!soap</sessionId>"
    "<serverUrl>https://eu7-api.salesforce.com/services/Soap/u/64.0/00D</serverUrl></x>"
)
SOAP_REFUSED = (
    "<x><faultcode>{0}</faultcode><sf:exceptionCode>{0}</sf:exceptionCode>"
    "<sf:exceptionMessage>{1}</sf:exceptionMessage></x>"
)


@pytest.fixture
def org(monkeypatch):
    """Answers every login with `org.answer`, and keeps the requests."""

    class Org:
        answer = response(200, GIVEN)
        asked = ()

        def send(self, request, **_settings):
            self.asked.append(request)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    found = Org()
    found.asked = []
    monkeypatch.setattr(HTTPAdapter, "send", lambda _self, request, **more: found.send(request))
    return found


@pytest.fixture(scope="module")
def pem():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def test_client_credentials_go_to_the_orgs_own_address(org):
    token = log_in(connection(auth=APP))
    assert token == Token("00D!new", "https://eu7.salesforce.com")
    (asked,) = org.asked
    assert asked.url == f"{URL}/services/oauth2/token"
    assert base64.b64decode(asked.headers["Authorization"].split()[1]).decode() == (
        f"the-app:{SECRET}"
    )
    assert token.value not in repr(token)


def test_a_netrc_takes_no_place_of_the_apps_credentials(org, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    log_in(connection(auth=APP))
    assert base64.b64decode(org.asked[0].headers["Authorization"].split()[1]).startswith(b"the-app")


def test_jwt_is_signed_for_the_audience_however_the_key_is_given(org, pem, tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(pem)
    for key in (pem, pem.replace("\n", "\\n"), str(file)):
        auth = {"type": "jwt", "client_id": "the-app", "username": "o'a&b@x.com",
                "private_key": key, "audience": "https://test.salesforce.com"}  # fmt: skip
        log_in(connection(auth=auth))
        asked = org.asked.pop()
        assert asked.url == f"{URL}/services/oauth2/token"
        form = parse_qs(asked.body)
        claims = jwt.decode(form["assertion"][0], options={"verify_signature": False})
        assert (claims["iss"], claims["sub"]) == ("the-app", "o'a&b@x.com")
        assert claims["aud"] == "https://test.salesforce.com"


def test_soap_escapes_all_of_its_secrets(org):
    org.answer = response(200, text=SOAP_GIVEN, content_type="text/xml")
    assert log_in(connection(auth=SOAP)) == Token("00D!soap", "https://eu7.salesforce.com")
    (asked,) = org.asked
    assert asked.url == f"{URL}/services/Soap/u/64.0"
    assert "<n1:username>a&amp;b@x.com</n1:username>" in asked.body
    assert "<n1:password>p&lt;wt&amp;k</n1:password>" in asked.body


def oauth(error, text):
    return response(400, {"error": error, "error_description": text})


def soap(code, text):
    return response(500, text=SOAP_REFUSED.format(code, text), content_type="text/xml")


@pytest.mark.parametrize(
    ("auth", "given", "kind", "words"),
    [
        (APP, oauth("invalid_client_id", "client identifier invalid"), LoginRefused, "client_id"),
        (APP, oauth("invalid_client", "invalid client credentials"), LoginRefused, "client_secret"),
        (APP, oauth("invalid_grant", "no client credentials user enabled"), LoginRefused,
         "run-as user"),
        (APP, oauth("invalid_grant", "request not supported on this domain"), LoginRefused,
         "My Domain"),
        (APP, oauth("invalid_grant", "user hasn't approved this consumer"), LoginRefused,
         "pre-authorise"),
        (APP, oauth("invalid_grant", "audience is invalid"), LoginRefused, "login.salesforce.com"),
        (APP, oauth("invalid_grant", None), LoginRefused, "login history"),
        (APP, oauth("unsupported_grant_type", "x"), LoginRefused, "switch this flow on"),
        (APP, oauth("new_error", "x"), LoginRefused, "new_error"),
        (APP, oauth("invalid_grant", "login rate exceeded"), LoginUnavailable, "not take logins"),
        (APP, response(404, text="<html>", content_type="text/html"), LoginRefused, "My Domain"),
        (APP, response(502, text="<html>", content_type="text/html"), LoginUnavailable, "502"),
        (APP, response(429, text=""), LoginUnavailable, "not take logins"),
        (APP, response(200, text="<html>", content_type="text/html"), LoginUnavailable, "else"),
        (APP, response(200, {"access_token": "x"}), LoginUnavailable, "else"),
        (APP, response(200, [1]), LoginUnavailable, "else"),
        (APP, response(302, text=""), LoginRefused, "My Domain"),
        (APP, requests.ConnectionError("refused"), LoginUnavailable, "connection refused"),
        (SOAP, soap("INVALID_LOGIN", "Invalid username, password"), LoginRefused, "locked"),
        (SOAP, soap("INVALID_OPERATION", "disabled by default"), LoginRefused, "switched off"),
        (SOAP, soap("UNSUPPORTED_API_VERSION", "gone"), LoginRefused, "client_credentials or jwt"),
        (SOAP, soap("SERVER_UNAVAILABLE", "x"), LoginUnavailable, "not take logins"),
        (SOAP, response(200, text="<x/>", content_type="text/xml"), LoginUnavailable, "else"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_do_and_holds_no_secret(org, auth, given, kind, words):
    org.answer = given
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(kind, match=words) as found:
            log_in(connection(auth=auth))
    assert SECRET not in str(found.value)
    assert len(org.asked) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "http://acme.my.salesforce.com"}, "use https"),
        ({"url": "acme"}, "is no address"),
        ({"auth": SOAP, "api_version": "65.0"}, "SOAP login is gone"),
        ({"auth": {"type": "jwt", "client_id": "c", "username": "u", "private_key": SECRET}},
         "neither a key in PEM"),
        ({"auth": {"type": "jwt", "client_id": "c", "username": "u",
                   "private_key": f"-----BEGIN {SECRET}"}}, "no RSA key"),
        ({"auth": {"type": "jwt", "client_id": "c", "username": "u", "private_key": SECRET,
                   "audience": "https://evil.example"}}, "no login host"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_not_sent_at_all(org, given, words):
    with pytest.raises(LoginRefused, match=words) as found:
        log_in(connection(**given))
    assert not org.asked
    assert SECRET not in str(found.value)


def test_a_token_is_not_sent_readable_to_an_address_the_org_names(org):
    org.answer = response(200, GIVEN | {"instance_url": "https://127.0.0.1:9"})
    assert log_in(connection("http://127.0.0.1:1", APP)).instance == "http://127.0.0.1:9"
    org.answer = response(200, GIVEN)
    with pytest.raises(LoginRefused, match="use https"):
        log_in(connection("http://127.0.0.1:1", APP))


@pytest.mark.parametrize(
    ("told", "host"),
    [
        ("https://eu7-api.salesforce.com/services/Soap/u/64.0/00D", "eu7.salesforce.com"),
        ("https://acme-api.my.salesforce.com/services/x", "acme-api.my.salesforce.com"),
        ("https://other.my.salesforce.com:8443/x", "other.my.salesforce.com:8443"),
        ("https://acme.my.salesforce.com.evil.example/x", None),
        ("https://evilsalesforce.com/x", None),
        ("https://127.0.0.1:9/x", None),
        ("no address", None),
    ],
)
def test_a_soap_login_keeps_the_host_it_is_told_and_refuses_strange_ones(org, told, host):
    text = SOAP_GIVEN.replace("https://eu7-api.salesforce.com/services/Soap/u/64.0/00D", told)
    org.answer = response(200, text=text, content_type="text/xml")
    if host:
        assert log_in(connection(auth=SOAP)).instance == f"https://{host}"
        return
    with pytest.raises(LoginRefused, match="My Domain address as the connection's url"):
        log_in(connection(auth=SOAP))


class Logins:
    """Gives tokens or errors in a row, and counts."""

    def __init__(self, *given):
        self.given, self.count, self.busy = list(given), 0, 0

    def __call__(self):
        self.count += 1
        self.busy += 1
        assert self.busy == 1, "two logins at a time"
        found = self.given.pop(0) if self.given else Token(f"t{self.count}", URL)
        self.busy -= 1
        if isinstance(found, Exception):
            raise found
        return found


def test_many_threads_refused_at_once_make_one_login():
    logins = Logins()
    tokens = Tokens(logins, renewable=True)
    old = tokens.get()
    tokens.accepted(old)
    gate = threading.Barrier(8)

    def refused(_):
        gate.wait()
        return tokens.rejected(old)

    with ThreadPoolExecutor(8) as pool:
        renewed = set(pool.map(refused, range(8)))
    assert {one.value for one in renewed} == {"t2"}
    assert logins.count == 2


def test_tokens_that_are_never_taken_end_after_one_more_login():
    logins = Logins()
    tokens = Tokens(logins, renewable=True)
    second = tokens.rejected(tokens.get())
    for _ in range(5):
        with pytest.raises(LoginRefused, match="it has just given"):
            tokens.rejected(second)
    assert logins.count == 2


def test_sessions_that_end_one_after_another_are_renewed_so_often_and_no_more():
    now = 0.0
    tokens = Tokens(logins := Logins(), renewable=True, monotonic=lambda: now)
    token = tokens.get()
    for _ in range(20):
        now += 120
        tokens.accepted(token)
        token = tokens.rejected(token)
    assert logins.count == 21
    now += 119
    tokens.accepted(token)
    for _ in range(3):
        with pytest.raises(LoginRefused, match=r"sessions end at once: 5 .* session timeout"):
            tokens.rejected(token)
    assert logins.count == 21


def test_a_refused_login_is_never_tried_again_and_an_outage_is():
    tokens = Tokens(logins := Logins(LoginRefused("locked")), renewable=True)
    for _ in range(3):
        with pytest.raises(LoginRefused, match="locked"):
            tokens.get()
    assert logins.count == 1
    now = 0.0
    logins = Logins(LoginUnavailable("down"))
    tokens = Tokens(logins, renewable=True, monotonic=lambda: now)
    for _ in range(7):  # threads that come one after another
        with pytest.raises(LoginUnavailable):
            tokens.get()
    assert logins.count == 1
    now = 1.0
    assert tokens.get().value == "t2"
    tokens = Tokens(logins := Logins(), renewable=False)
    with pytest.raises(LoginRefused, match="cannot be refreshed"):
        tokens.rejected(tokens.get())
    assert logins.count == 1
