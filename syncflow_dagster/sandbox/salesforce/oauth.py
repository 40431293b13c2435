"""`POST /services/oauth2/token`: client credentials, JWT bearer, refresh, password.

Grants, parameters and error words are those of the help's pages on OAuth flows.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from starlette.responses import Response

from syncflow_dagster.sandbox.salesforce.call import JSON_TYPE
from syncflow_dagster.sandbox.salesforce.drawn import DrawnFaults, page
from syncflow_dagster.sandbox.salesforce.errors import ApiError
from syncflow_dagster.sandbox.salesforce.keys import public_key
from syncflow_dagster.sandbox.salesforce.records import SERVICE
from syncflow_dagster.sandbox.salesforce.sessions import (
    APPS,
    ORG_ID,
    PASSWORD,
    SECURITY_TOKEN,
    App,
    user_named,
)
from syncflow_dagster.sandbox.transport import CutConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from syncflow_dagster.sandbox.salesforce.runtime import Runtime
    from syncflow_dagster.sandbox.salesforce.users import Viewer

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# An assertion may be valid for three minutes at most; the rest is for clocks that differ.
_LONGEST_S = 180 + 30


class TokenRefusedError(Exception):
    """No token is given.

    Attributes:
        error: The OAuth code.
        text: Its description.
    """

    def __init__(self, error: str, text: str) -> None:
        super().__init__(f"{error}: {text}")
        self.error = error
        self.text = text


class TokenEndpoint:
    """Gives access tokens."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._grants: Mapping[str, Callable[[_Form], tuple[Viewer, str | None]]] = {
            "client_credentials": self._client_credentials,
            _JWT_GRANT: self._assertion,
            "refresh_token": self._refresh,
            "password": self._password,
        }

    async def answer(self, request: Request) -> Response:
        """Answer one request for a token."""
        runtime = self._runtime
        body = (await request.body()).decode("utf-8", "replace")
        faults = runtime.world.faults.draw(SERVICE, "token", ("token",), {"body": body})
        drawn = DrawnFaults(faults)
        if (delay := runtime.settings.latency_s + drawn.delay_s()) > 0:
            await runtime.world.clock.sleep(delay)
        instead = drawn.instead()
        if isinstance(instead, ApiError):
            return _json(instead.body(), instead.status)
        if instead is not None:
            return instead
        runtime.counts["logins"] += 1
        try:
            content = self._granted(_Form(request, body))
        except TokenRefusedError as error:
            runtime.counts["logins_refused"] += 1
            refusal = {"error": error.error, "error_description": error.text}
            return _json(refusal, 400)
        if drawn.first("lost_reply") is not None:
            return CutConnection()
        if (after := drawn.first("error_after")) is not None:
            return page(after.status or 500)
        return _json(content, 200)

    def _granted(self, form: _Form) -> dict[str, Any]:
        grant = self._grants.get(form.get("grant_type"))
        if grant is None:
            raise TokenRefusedError("unsupported_grant_type", "grant type not supported")
        user, refresh_token = grant(form)
        runtime = self._runtime
        token = runtime.sessions.issue(user, runtime.settings.token_ttl_s)
        issued = str(round(runtime.world.clock.wall().timestamp() * 1000))
        content = {
            "access_token": token,
            "signature": _signature(user.id + issued),
            "scope": "api",
            "instance_url": form.base,
            "id": f"{form.base}/id/{ORG_ID}/{user.id}",
            "token_type": "Bearer",
            "issued_at": issued,
        }
        return content if refresh_token is None else {**content, "refresh_token": refresh_token}

    def _app(self, form: _Form) -> App:
        client_id, secret = form.credentials()
        app = APPS.get(client_id)
        if app is None:
            raise TokenRefusedError("invalid_client_id", "client identifier invalid")
        if secret != app.secret:
            raise TokenRefusedError("invalid_client", "invalid client credentials")
        return app

    def _client_credentials(self, form: _Form) -> tuple[Viewer, None]:
        return self._app(form).runs_as, None

    def _password(self, form: _Form) -> tuple[Viewer, None]:
        self._app(form)
        user = user_named(form.get("username"))
        if user is None or form.get("password") != PASSWORD + SECURITY_TOKEN:
            raise TokenRefusedError("invalid_grant", "authentication failure")
        return user, None

    def _refresh(self, form: _Form) -> tuple[Viewer, str | None]:
        self._app(form)
        rotate = self._runtime.settings.rotate_refresh
        found = self._runtime.sessions.refreshed(form.get("refresh_token"), rotate=rotate)
        if found is None:
            raise TokenRefusedError("invalid_grant", "expired access/refresh token")
        return found

    def _assertion(self, form: _Form) -> tuple[Viewer, None]:
        claims = _verified(form.get("assertion"))
        if claims.get("iss") not in APPS:
            raise TokenRefusedError("invalid_client_id", "client identifier invalid")
        if not _is_ours(claims.get("aud"), form.base):
            raise TokenRefusedError("invalid_grant", "audience is invalid")
        now = self._runtime.world.clock.wall().timestamp()
        try:
            # Clients send the second as a number or as text.
            expires = float(str(claims.get("exp")))
        except ValueError:
            raise TokenRefusedError("invalid_grant", "invalid assertion") from None
        if not now < expires <= now + _LONGEST_S:
            raise TokenRefusedError("invalid_grant", "assertion is expired or too long valid")
        user = user_named(str(claims.get("sub")))
        if user is None:
            text = "user hasn't approved this consumer"
            raise TokenRefusedError("invalid_grant", text)
        return user, None


class _Form:
    """The fields of a request for a token."""

    def __init__(self, request: Request, body: str) -> None:
        self._fields = {name: values[-1] for name, values in parse_qs(body).items()}
        self._authorization = request.headers.get("authorization", "")
        self.base = str(request.base_url).rstrip("/")

    def get(self, name: str) -> str:
        """One field; empty when it is missing."""
        return self._fields.get(name, "")

    def credentials(self) -> tuple[str, str]:
        """Client id and secret: of the header `Authorization: Basic`, or of the body."""
        scheme, _, encoded = self._authorization.partition(" ")
        if scheme.lower() != "basic":
            return self.get("client_id"), self.get("client_secret")
        try:
            decoded = base64.b64decode(encoded, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            raise TokenRefusedError("invalid_client", "invalid client credentials") from None
        client_id, _, secret = decoded.partition(":")
        return unquote(client_id), unquote(secret)


def _verified(assertion: str) -> dict[str, Any]:
    # Imported here: a sandbox that nobody logs in to starts without it.
    import jwt

    # Times and audience are looked at by whoever calls, by the sandbox's clock.
    unchecked: Any = dict.fromkeys(("verify_exp", "verify_aud", "verify_iat", "verify_nbf"), False)
    try:
        claims: dict[str, Any] = jwt.decode(
            assertion, public_key(), algorithms=["RS256"], options=unchecked
        )
    except jwt.PyJWTError:
        raise TokenRefusedError("invalid_grant", "invalid assertion") from None
    return claims


def _is_ours(audience: object, base: str) -> bool:
    """Whether an audience is the login host, a test host, or the org's own domain."""
    if not isinstance(audience, str):
        return False
    host = urlsplit(audience).hostname or ""
    return audience.rstrip("/") == base or (
        audience.startswith("https://")
        and (host == "salesforce.com" or host.endswith(".salesforce.com"))
    )


def _signature(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _json(content: Any, status: int) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(json.dumps(content), status, headers=headers, media_type=JSON_TYPE)
