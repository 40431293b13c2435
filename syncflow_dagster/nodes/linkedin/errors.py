"""Unipile's answers, as a table: what each of them means for the lead, the account, the tenant.

The types are those of Unipile's OpenAPI description of v1 (`errors/<slug>` in the field `type` of
an error's body), and two that clients see beside them: already_connected and
connection_limit_reached. The type decides, the status only where there is no type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.client import Answer, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping


class ErrorClass(StrEnum):
    """What an answer that is no success means."""

    ALREADY_DONE = "already done"
    ACCOUNT_LIMIT = "account limit"
    ACCOUNT_DOWN = "account down"
    CONFIG = "configuration"
    LEAD_PERMANENT = "lead"
    NOT_CONNECTED = "not connected"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"
    UNRECOGNISED = "unrecognised"


_C = ErrorClass
#: The types of each class; of `UNRECOGNISED`, none is known.
TYPES: Mapping[ErrorClass, frozenset[str]] = {
    # An invitation that is refused as a second one proves none that is pending: it is refused for
    # weeks after a withdrawal, too.
    _C.ALREADY_DONE: frozenset(
        {"already_connected", "already_invited_recently", "action_already_performed"}
    ),
    _C.ACCOUNT_LIMIT: frozenset(
        {
            "cannot_resend_yet",
            "cannot_resend_within_24hrs",
            "limit_exceeded",
            "connection_limit_reached",
            "insufficient_credits",
            "too_many_requests",
        }
    ),
    _C.ACCOUNT_DOWN: frozenset(
        {
            "account_restricted",
            "account_mismatch",
            "insufficient_permissions",
            "session_mismatch",
            "feature_not_subscribed",
            "subscription_required",
            "unknown_authentication_context",
            "action_required",
            "invalid_account",
            "account_configuration_error",
            "payment_error",
        }
    ),
    _C.CONFIG: frozenset(
        {
            "missing_credentials",
            "insufficient_privileges",
            "invalid_parameters",
            "malformed_request",
            "content_too_large",
            "invalid_url",
            "too_many_characters",
            "unescaped_characters",
            "missing_parameters",
            "invalid_message",
            "limit_too_high",
            "unsupported_media_type",
            "feature_not_implemented",
        }
    ),
    _C.LEAD_PERMANENT: frozenset(
        {
            "invalid_recipient",
            "blocked_recipient",
            "user_unreachable",
            "cannot_invite_attendee",
            "not_allowed_inmail",
            "cant_send_message",
            "resource_not_found",
            "invalid_resource_identifier",
        }
    ),
    _C.NOT_CONNECTED: frozenset({"no_connection_with_recipient"}),
    _C.NOT_SENT: frozenset({"no_client_session", "no_channel", "no_handler", "network_down"}),
    _C.UNKNOWN: frozenset(
        {
            "unexpected_error",
            "provider_error",
            "provider_unreachable",
            "authentication_intent_error",
            "service_unavailable",
            "request_timeout",
        }
    ),
}
_CLASS_OF = {slug: one for one, slugs in TYPES.items() for slug in slugs}
#: Of the classes that are about more than an account: our key, not what we send.
KEY_TYPES = frozenset({"missing_credentials", "insufficient_privileges"})
_BAD_REQUEST, _UNAUTHORIZED, _TIMEOUT, _TOO_MANY, _SERVER = 400, 401, 408, 429, 500
_SLUG = re.compile(r"^[a-z0-9_]{1,60}$")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no success.

    Attributes:
        kind: What it means.
        reason: For people, without personal data: Unipile's type word for word, or what happened.
        slug: The type without `errors/`; empty where there is none.
    """

    kind: ErrorClass
    reason: str
    slug: str = ""


def refusal(answer: Answer | NoAnswer) -> Refusal | None:
    """Return what an answer means; None for a success.

    A success without a JSON object is none: something on the way has answered.
    """
    if isinstance(answer, NoAnswer):
        kind = _C.UNKNOWN if answer.sent else _C.NOT_SENT
        return Refusal(kind, f"APP: {answer.reason}")
    if answer.ok:
        if answer.body is not None:
            return None
        return Refusal(_C.UNKNOWN, f"APP: HTTP {answer.status} without a JSON object")
    slug = _slug(answer)
    if not slug:
        return Refusal(_by_status(answer), f"APP: HTTP {answer.status} without an error's type")
    return Refusal(_kind(answer.status, slug), f"UNI: errors/{slug} (HTTP {answer.status})", slug)


def _kind(status: int, slug: str) -> ErrorClass:
    known = _CLASS_OF.get(slug)
    if known is not None:
        return known
    if status == _UNAUTHORIZED:
        return _C.ACCOUNT_DOWN
    if status == _BAD_REQUEST:
        return _C.CONFIG
    return _by_code(status)


def _by_status(answer: Answer) -> ErrorClass:
    """Return what an answer without a type means: most likely it is none of Unipile's."""
    return _by_code(answer.status)


def _by_code(status: int) -> ErrorClass:
    if status == _TOO_MANY:
        return _C.ACCOUNT_LIMIT
    if status >= _SERVER or status == _TIMEOUT:
        return _C.UNKNOWN
    return _C.UNRECOGNISED


def _slug(answer: Answer) -> str:
    told = (answer.body or {}).get("type")
    if not isinstance(told, str):
        return ""
    slug = told.removeprefix("errors/")
    return slug if _SLUG.match(slug) else ""
