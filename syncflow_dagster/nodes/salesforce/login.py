"""Logging in to an org: four ways, and what each refusal means.

simple-salesforce makes the requests. It fixes the host to `https://….salesforce.com`, reads an
answer it does not expect in ways that break, and warns with the app's key in the text; so an
adapter sends its requests to the connection's own address, and gives it nothing but answers of a
login that went well.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never
from urllib.parse import urlsplit

import jwt
import requests

from syncflow_dagster.nodes.salesforce import login_errors
from syncflow_dagster.nodes.salesforce.login_errors import LoginRefused, LoginUnavailable
from syncflow_dagster.nodes.transport import DeadlineAdapter, failure
from syncflow_dagster.workflows.models.salesforce import (
    ClientCredentialsAuth,
    JwtAuth,
    SessionAuth,
    SoapAuth,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncflow_dagster.workflows.models.salesforce import SalesforceConnection

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_AUDIENCE = re.compile(r"https://([A-Za-z0-9.-]+)\.salesforce\.com/?")
#: First API version without SOAP `login()` (release notes of Summer '25).
_WITHOUT_SOAP = 65.0
_ANY_DOMAIN = "org.my"
_OK = 200
_SALESFORCE = ".salesforce.com"


@dataclass(frozen=True, slots=True)
class Token:
    """What requests are sent with.

    Attributes:
        value: Session id or access token.
        instance: Where they go: scheme and host, without a slash at the end.
    """

    value: str = field(repr=False)
    instance: str


def base_url(url: str) -> str:
    """Return scheme and host of an address; plain http only on this machine.

    Raises:
        LoginRefused: Secrets would be sent readable, or it is no address.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        msg = f"{url!r} is no address; give one such as https://acme.my.salesforce.com"
        raise LoginRefused(msg)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        msg = f"http://{parts.netloc} would send secrets readable: use https"
        raise LoginRefused(msg)
    return f"{parts.scheme}://{parts.netloc}"


def log_in(connection: SalesforceConnection) -> Token:
    """Log in once.

    Raises:
        LoginRefused: The org refuses, or the connection cannot be used; the text says what to do.
        LoginUnavailable: The org does not answer as it should; a later try may succeed.
    """
    auth = connection.auth
    base = base_url(connection.url)
    match auth:
        case SessionAuth():
            return Token(auth.token.get_secret_value(), base)
        case ClientCredentialsAuth():
            given: dict[str, Any] = {
                "domain": _ANY_DOMAIN,
                "consumer_key": auth.client_id.get_secret_value(),
                "consumer_secret": auth.client_secret.get_secret_value(),
            }
        case JwtAuth():
            given = {
                "domain": _audience(auth.audience),
                "username": auth.username,
                "consumer_key": auth.client_id.get_secret_value(),
                "privatekey": _key(auth.private_key.get_secret_value()),
            }
        case SoapAuth():
            given = _soap(auth, float(connection.api_version))
        case _ as never:
            assert_never(never)
    return _ask(connection, base, given)


def secrets_of(connection: SalesforceConnection) -> Iterable[str]:
    """Return the texts that may stand in no message."""
    for name in type(connection.auth).model_fields:
        value = getattr(connection.auth, name)
        if hasattr(value, "get_secret_value"):
            yield value.get_secret_value()


def _audience(audience: str) -> str:
    found = _AUDIENCE.fullmatch(audience)
    if not found:
        msg = (
            f"the audience {audience!r} is no login host of Salesforce: use "
            "https://login.salesforce.com, or https://test.salesforce.com of a sandbox org"
        )
        raise LoginRefused(msg)
    return found[1]


def _key(given: str) -> str:
    r"""Return a private key, whose line breaks may have been written as `\\n`."""
    if "-----BEGIN" in given:
        return given.replace("\\n", "\n")
    try:
        return Path(given).read_text("ascii")
    except (OSError, ValueError):
        raise LoginRefused(
            "the private key is neither a key in PEM ('-----BEGIN ...') nor the path of a file "
            "that can be read"
        ) from None


def _soap(auth: SoapAuth, version: float) -> dict[str, str]:
    if version >= _WITHOUT_SOAP:
        msg = (
            f"SOAP login is gone from API version {version}: use client_credentials or jwt, or "
            "pin api_version 64.0"
        )
        raise LoginRefused(msg)
    return {
        "username": auth.username,
        "password": auth.password.get_secret_value(),
        # Unlike the password it is not escaped on its way into the XML.
        "security_token": html.escape(auth.security_token.get_secret_value()),
        "sf_version": str(version),
    }


def _ask(connection: SalesforceConnection, base: str, given: dict[str, Any]) -> Token:
    from simple_salesforce.login import SalesforceLogin

    with requests.Session() as session:
        adapter = _LoginAdapter(base, connection.timeout_s)
        session.mount("https://", adapter)
        # Else a .netrc would take the place of the app's credentials.
        session.auth = _unchanged
        session.trust_env = base.startswith("https")
        try:
            value, host = SalesforceLogin(session=session, **given)
        except requests.RequestException as error:
            msg = f"{base} cannot be reached: {failure(error)}"
            raise LoginUnavailable(msg) from None
        except (jwt.PyJWTError, ValueError, TypeError):  # the text may hold the key
            raise LoginRefused("the private key cannot sign: it is no RSA key in PEM") from None
    instance = base_url(f"{base.partition(':')[0]}://{adapter.soap_host or host}")
    _check_instance(instance, base)
    return Token(html.unescape(value), instance)


def _check_instance(instance: str, base: str) -> None:
    """Refuse to send a token to who is neither the connection's host nor Salesforce."""
    host, own = (str(urlsplit(one).hostname) for one in (instance, base))
    if host != own and not host.endswith(_SALESFORCE) and not {host, own} <= _LOOPBACK:
        msg = (
            f"{base} names {host} as the org's address, which is neither its own nor one of "
            "Salesforce: give the org's My Domain address as the connection's url"
        )
        raise LoginRefused(msg)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _LoginAdapter(DeadlineAdapter):
    """Sends logins to one address, and gives back only what a login that went well answers."""

    def __init__(self, base: str, seconds: float) -> None:
        super().__init__(seconds)
        self._base = base
        #: Host and port in the answer of a SOAP login: simple-salesforce cuts every '-api' out of
        #: it, and makes `acme-api.my.salesforce.com` the org of somebody else.
        self.soap_host = ""

    def send(self, request: requests.PreparedRequest, *args: Any, **settings: Any) -> Any:
        """Send a login.

        Raises:
            LoginRefused: The org refuses it.
            LoginUnavailable: It is not answered as it should be.
        """
        assert request.url is not None
        request.url = self._base + urlsplit(request.url).path
        response = super().send(request, *args, **settings)
        if response.status_code != _OK:
            raise login_errors.refusal(response, self._base)
        if not login_errors.went_well(response):
            msg = f"{self._base} answers a login with something else"
            raise LoginUnavailable(msg)
        self.soap_host = login_errors.soap_host(response)
        return response
