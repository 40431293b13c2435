"""What the fake Unipile refuses: `{title, type, status, detail, instance}`.

The types and their statuses are those of the vendor's OpenAPI description (August 2025) and of
third-party clients for `already_connected` and `connection_limit_reached`.
"""

from __future__ import annotations

from typing import Any

_STATUS: dict[str, int] = {
    **dict.fromkeys(
        ("invalid_parameters", "malformed_request", "content_too_large", "too_many_characters",
         "missing_parameters"), 400,
    ),
    **dict.fromkeys(
        ("missing_credentials", "multiple_sessions", "wrong_account", "invalid_credentials",
         "expired_credentials", "insufficient_privileges", "disconnected_account",
         "disconnected_feature"), 401,
    ),
    **dict.fromkeys(
        ("account_restricted", "account_mismatch", "insufficient_permissions",
         "session_mismatch", "feature_not_subscribed", "subscription_required",
         "resource_access_restricted"), 403,
    ),
    **dict.fromkeys(("resource_not_found", "invalid_resource_identifier"), 404),
    "unsupported_media_type": 415,
    **dict.fromkeys(
        ("invalid_account", "invalid_recipient", "no_connection_with_recipient",
         "blocked_recipient", "user_unreachable", "unprocessable_entity",
         "action_already_performed", "invalid_message", "not_allowed_inmail",
         "insufficient_credits", "cannot_resend_yet", "cannot_resend_within_24hrs",
         "limit_exceeded", "already_invited_recently", "already_connected",
         "connection_limit_reached", "cannot_invite_attendee", "limit_too_high",
         "cant_send_message", "provider_unreachable", "account_configuration_error",
         "payment_error"), 422,
    ),
    "too_many_requests": 429,
    **dict.fromkeys(("unexpected_error", "provider_error"), 500),
    "feature_not_implemented": 501,
    **dict.fromkeys(
        ("no_client_session", "no_channel", "no_handler", "network_down", "service_unavailable"),
        503,
    ),
    "request_timeout": 504,
}  # fmt: skip
_OF_STATUS = {
    400: "invalid_parameters",
    401: "disconnected_account",
    403: "account_restricted",
    404: "resource_not_found",
    415: "unsupported_media_type",
    422: "unprocessable_entity",
    429: "too_many_requests",
    500: "unexpected_error",
    501: "feature_not_implemented",
    503: "service_unavailable",
    504: "request_timeout",
}
_DETAILS = {
    "missing_credentials": "Missing X-API-KEY header or unknown key.",
    "disconnected_account": "The account appears to be disconnected from the provider service.",
    "account_restricted": "Access to this account has been restricted by the provider.",
    "account_mismatch": "The chat does not belong to this account.",
    "resource_not_found": "The requested resource was not found.",
    "too_many_characters": "The provided content exceeds the character limit.",
    "unsupported_media_type": "The media has been rejected by the provider.",
    "invalid_recipient": "Recipient cannot be reached.",
    "no_connection_with_recipient": "Recipient appears not to be first degree connection.",
    "blocked_recipient": "The recipient is blocked.",
    "user_unreachable": "The user cannot be reached.",
    "cannot_resend_yet": "You have reached a temporary provider limit. Please try again later.",
    "limit_exceeded": "The limit of personalized invitations is reached.",
    "already_invited_recently": "An invitation has already been sent recently to this recipient. "
    "Should delay new invitation to this recipient.",
    "already_connected": "The recipient is already connected with this account.",
    "cannot_invite_attendee": "The recipient cannot be invited.",
    "cant_send_message": "Messages cannot be sent in this chat.",
    "insufficient_credits": "The account has no InMail credit left.",
    "feature_not_subscribed": "The account has not subscribed to the required feature.",
    "too_many_requests": "The provider cannot accept any more requests at the moment. Please try "
    "again later.",
    "unexpected_error": "Something went wrong.",
    "request_timeout": "Request Timeout. Please try again.",
}


class ApiError(Exception):
    """A request is refused.

    Args:
        kind: The last part of the error's type, such as `invalid_recipient`.
        detail: Its text; that of the type if absent.
        status: HTTP status; that of the type if absent.
    """

    def __init__(self, kind: str, detail: str | None = None, status: int | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = status or _STATUS.get(kind, 422)
        self.detail = detail or _DETAILS.get(kind)

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        title = self.kind.replace("_", " ").capitalize()
        told = {"title": title, "type": f"errors/{self.kind}", "status": self.status}
        return told if self.detail is None else {**told, "detail": self.detail}


def of_status(status: int) -> ApiError:
    """The error that the service answers with this status."""
    return ApiError(_OF_STATUS.get(status, "unexpected_error"), status=status)
