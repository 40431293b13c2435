"""What it means that an org refuses a login, as one table.

Sources: Salesforce Help, page "OAuth 2.0 Authorization Errors"; SOAP API Developer Guide, page
"ExceptionCode"; the texts behind `invalid_grant` are those the token endpoint is known to send.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import requests


class LoginRefused(Exception):
    """The org refuses the login, and will again until somebody acts; the text says what to do."""


class LoginUnavailable(Exception):
    """The login was not answered as it should be; a later try may succeed."""


#: Code, a part of its text, and what to do; the first line that fits is taken.
TABLE: tuple[tuple[str, str, str], ...] = (
    ("invalid_grant", "no client credentials user", "set a run-as user in the app's policies"),
    ("invalid_grant", "on this domain", "use the org's My Domain address as the connection's url"),
    ("invalid_grant", "approved this consumer", "let an admin pre-authorise the user for the app"),
    ("invalid_grant", "audience", ("the audience is https://login.salesforce.com, or "
     "https://test.salesforce.com of a sandbox org")),
    ("invalid_grant", "assertion", ("check the app's certificate, the username and this machine's "
     "clock")),
    ("invalid_grant", "expired", "check this machine's clock"),
    ("invalid_grant", "client credentials", "check client_id and client_secret"),
    ("invalid_grant", "user is", "the user is locked or inactive: unlock it or name another"),
    ("invalid_grant", "ip restricted", "let this machine's address into the app's IP range"),
    ("invalid_grant", "", ("check username, app and My Domain address; the user's login history in "
     "Salesforce names the cause")),
    ("invalid_client_id", "", "check client_id; a new app takes ten minutes to be known"),
    ("invalid_client", "secret", "check client_secret"),
    ("invalid_client", "", "check client_id and client_secret"),
    ("unsupported_grant_type", "", "switch this flow on in the app's OAuth settings"),
    ("unauthorized_client", "", "switch this flow on in the app's OAuth settings"),
    ("invalid_app_access", "", "let an admin pre-authorise the user for the app"),
    ("invalid_scope", "", "give the app the scope 'api'"),
    ("inactive_user", "", "the user is inactive: name another"),
    ("inactive_org", "", "the org is locked or closed"),
    ("OAUTH_APP_BLOCKED", "", "an admin has blocked the app"),
    ("OAUTH_EC_APP_NOT_FOUND", "", "check client_id; the app has to be installed in this org"),
    ("INVALID_LOGIN", "", "check username, password and security token; the user may be locked"),
    ("LOGIN_MUST_USE_SECURITY_TOKEN", "", ("give the user's security_token, or trust this "
     "machine's address in the org")),
    ("INVALID_OPERATION", "", ("SOAP login is switched off in this org: use client_credentials or "
     "jwt")),
    ("UNSUPPORTED_API_VERSION", "", ("SOAP login is gone from this API version: use "
     "client_credentials or jwt")),
    ("API_DISABLED_FOR_ORG", "", "the org's edition or the user's profile has no API access"),
    ("API_CURRENTLY_DISABLED", "", "the org's API is switched off"),
    ("INVALID_SSO_GATEWAY_URL", "", "the user logs in by single sign-on: use jwt"),
    ("PASSWORD_LOCKOUT", "", "the user is locked: unlock it"),
    ("PASSWORD_EXPIRED", "", "the user's password has expired: set a new one"),
    ("ORG_LOCKED", "", "the org is locked"),
    ("TRIAL_EXPIRED", "", "the org's trial has ended"),
)  # fmt: skip
#: Answers that say nothing about the login itself.
PASSING = frozenset(
    {"rate_limit_exceeded", "LOGIN_RATE_EXCEEDED", "SERVER_UNAVAILABLE", "server_error",
     "temporarily_unavailable", "REQUEST_LIMIT_EXCEEDED", "UNKNOWN_EXCEPTION"}
)  # fmt: skip
_PASSING_STATUS = frozenset({406, 408, 420, 425, 429})
_PASSING_TEXTS = ("rate exceeded", "retry your request")
_SERVER_ERROR = 500
_SOAP_CODE = re.compile(r"<(?:\w+:)?exceptionCode>([^<]*)<")
_SERVER_URL = re.compile(r"<serverUrl>([^<]*)<")
_SOAP_INSTANCE = re.compile(r"^([A-Za-z]+\d+)-api\.salesforce\.com$")
_SOAP_TEXT = re.compile(r"<(?:\w+:)?exceptionMessage>([^<]*)<")


def refusal(response: requests.Response, base: str) -> LoginRefused | LoginUnavailable:
    """Return what an answer means that gives no token.

    Args:
        response: The answer, its body read.
        base: Where it came from.
    """
    code, text = _told(response)
    words = " ".join(text.split())[:200]
    passing = response.status_code in _PASSING_STATUS or code in PASSING
    if passing or any(one in words.lower() for one in _PASSING_TEXTS):
        return LoginUnavailable(f"{base} does not take logins now: {words} ({code})")
    if not code:
        told = f"{base} answers a login with HTTP {response.status_code}"
        if response.status_code >= _SERVER_ERROR:
            return LoginUnavailable(told)
        return LoginRefused(f"{told}: check that it is the org's My Domain address")
    return LoginRefused(
        f"{base} refuses the login: {words or 'no reason'} ({code}); {advice(code, words)}"
    )


def advice(code: str, text: str) -> str:
    """Return what to do about a refusal."""
    found = (do for one, part, do in TABLE if one == code and part in text.lower())
    return next(found, "check the connection's way to log in")


def went_well(response: requests.Response) -> bool:
    """Tell whether an answer with status 200 holds all that simple-salesforce takes from it."""
    body = _json(response)
    if not body:
        return all(f"<{name}>" in response.text for name in ("sessionId", "serverUrl"))
    return all(isinstance(body.get(name), str) for name in ("access_token", "instance_url"))


def soap_host(response: requests.Response) -> str:
    """Return the host that the answer of a SOAP login names; empty for other answers."""
    found = _SERVER_URL.search(response.text)
    host = urlsplit(found[1]).netloc if found else ""
    # Hosts of instances that take SOAP alone; what a My Domain is named is left as it is.
    return _SOAP_INSTANCE.sub(r"\1.salesforce.com", host)


def _told(response: requests.Response) -> tuple[str, str]:
    body = _json(response)
    code = str(body.get("error") or body.get("errorCode") or "")
    if code:
        return code, str(body.get("error_description") or body.get("message") or "")
    codes, texts = _SOAP_CODE.findall(response.text), _SOAP_TEXT.findall(response.text)
    return (codes[0] if codes else ""), (texts[0] if texts else "")


def _json(response: requests.Response) -> dict[str, object]:
    try:
        body = response.json()
    except requests.exceptions.JSONDecodeError:
        return {}
    first = body[0] if isinstance(body, list) and body else body
    return first if isinstance(first, dict) else {}
