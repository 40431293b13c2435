"""SOAP `login()`: the oldest way to a session, absent from API version 65.0 on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from starlette.responses import Response

from syncflow_dagster.sandbox.salesforce.drawn import DrawnFaults
from syncflow_dagster.sandbox.salesforce.errors import ApiError
from syncflow_dagster.sandbox.salesforce.records import SERVICE
from syncflow_dagster.sandbox.salesforce.sessions import (
    ORG_ID,
    PASSWORD,
    SECURITY_TOKEN,
    user_named,
)

if TYPE_CHECKING:
    from starlette.requests import Request

    from syncflow_dagster.sandbox.salesforce.runtime import Runtime
    from syncflow_dagster.sandbox.salesforce.users import Viewer

_FIRST_WITHOUT = 65.0
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns{prefix}="urn:{kind}.partner.soap.sforce.com"{more}>'
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)
_FAULT = (
    "<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {text}</faultstring>"
    '<detail><sf:{kind}Fault xsi:type="sf:{kind}Fault"><sf:exceptionCode>{code}</sf:exceptionCode>'
    "<sf:exceptionMessage>{text}</sf:exceptionMessage></sf:{kind}Fault></detail></soapenv:Fault>"
)
_SCHEMA = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_RESULT = (
    "<loginResponse><result><passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
    "<serverUrl>{base}/services/Soap/u/{version}/{org}</serverUrl>"
    "<sessionId>{token}</sessionId><userId>{user}</userId></result></loginResponse>"
)
_WRONG = "Invalid username, password, security token; or user locked out."


class SoapLogin:
    """`POST /services/Soap/u/{version}`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def answer(self, request: Request) -> Response:
        """Answer one login."""
        runtime = self._runtime
        body = await request.body()
        values = {"body": body.decode("utf-8", "replace")}
        drawn = DrawnFaults(runtime.world.faults.draw(SERVICE, "token", ("token",), values))
        instead = drawn.instead()
        if isinstance(instead, ApiError):
            return _fault(instead.code, instead.message, status=instead.status)
        if instead is not None:
            return instead
        runtime.counts["logins"] += 1
        version = request.path_params["version"]
        refusal = self._refusal(version)
        if refusal is not None:
            runtime.counts["logins_refused"] += 1
            return _fault(*refusal)
        try:
            user = _user(body)
        except ET.ParseError as error:
            return _fault("INVALID_XML", str(error))
        if user is None:
            runtime.counts["logins_refused"] += 1
            return _fault("INVALID_LOGIN", _WRONG, "Login")
        token = runtime.sessions.issue(user, runtime.settings.token_ttl_s)
        base = str(request.base_url).rstrip("/")
        result = _RESULT.format(
            base=base, version=version, org=ORG_ID[:15], token=escape(token), user=user.id
        )
        return _xml(_ENVELOPE.format(prefix="", kind="enterprise", more="", body=result), 200)

    def _refusal(self, version: str) -> tuple[str, str] | None:
        if not re.fullmatch(r"\d+\.\d", version) or float(version) >= _FIRST_WITHOUT:
            return "UNSUPPORTED_API_VERSION", f"Invalid Api version specified on URL: {version}"
        if not self._runtime.settings.soap_login:
            text = "SOAP API login() is disabled by default in this org."
            return "INVALID_OPERATION", text
        return None


def _user(body: bytes) -> Viewer | None:
    """The user whose name and password, with the security token behind it, are right."""
    root = ET.fromstring(body)  # noqa: S314 - sent over loopback by what is being tested
    given = {one.tag.rpartition("}")[2]: one.text or "" for one in root.iter()}
    user = user_named(given.get("username", ""))
    right = given.get("password") in (PASSWORD + SECURITY_TOKEN, PASSWORD)
    # Without the token only trusted addresses get in, for which the organization is named.
    if given.get("password") == PASSWORD and "organizationId" not in given:
        right = False
    return user if right else None


def _fault(code: str, text: str, kind: str = "UnexpectedError", status: int = 500) -> Response:
    body = _FAULT.format(code=code, text=escape(text), kind=kind)
    return _xml(_ENVELOPE.format(prefix=":sf", kind="fault", more=_SCHEMA, body=body), status)


def _xml(text: str, status: int) -> Response:
    return Response(text, status, media_type="text/xml;charset=UTF-8")
