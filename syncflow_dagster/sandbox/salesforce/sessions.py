"""Access tokens: who holds one, and until when."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.users import INTEGRATION, RESTRICTED, USERS, Viewer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.sandbox.clock import Clock

ORG_ID = "00DHn0000000001MAA"
# Known beforehand, so that a program can be configured before the sandbox runs.
SESSION = f"{ORG_ID[:15]}!sandbox.integration.session"
RESTRICTED_SESSION = f"{ORG_ID[:15]}!sandbox.restricted.session"
REFRESH_TOKEN = "sandbox-refresh-token"  # noqa: S105 - opens nothing but the sandbox
PASSWORD = "sandbox-password"  # noqa: S105 - as above
SECURITY_TOKEN = "sandboxSecurityToken"  # noqa: S105 - as above


@dataclass(frozen=True)
class App:
    """A client that may ask for tokens.

    Attributes:
        secret: Its secret.
        runs_as: The user of its client-credentials tokens.
    """

    client_id: str
    secret: str
    runs_as: Viewer


APPS: Mapping[str, App] = {
    one.client_id: one
    for one in (
        App("sandbox-client-id", "sandbox-client-secret", INTEGRATION),
        App("sandbox-restricted-client-id", "sandbox-restricted-client-secret", RESTRICTED),
    )
}


@dataclass
class _Session:
    user: Viewer
    expires_at: float | None


class Sessions:
    """All access tokens and refresh tokens of the org.

    Args:
        clock: The sandbox's; tokens live in real seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._access: dict[str, _Session] = {}
        self._refresh: dict[str, Viewer] = {}
        self.reset()

    def reset(self) -> None:
        """Back to the two tokens that are known beforehand, which do not grow old."""
        self._access = {
            SESSION: _Session(INTEGRATION, None),
            RESTRICTED_SESSION: _Session(RESTRICTED, None),
        }
        self._refresh = {REFRESH_TOKEN: INTEGRATION}

    def issue(self, user: Viewer, ttl_s: float) -> str:
        """A new access token that lives so many real seconds."""
        token = f"{ORG_ID[:15]}!{secrets.token_urlsafe(48)}"
        self._access[token] = _Session(user, self._clock.real() + ttl_s)
        return token

    def find(self, token: str | None) -> Viewer | None:
        """Whose living token this is."""
        session = self._access.get(token or "")
        if session is None:
            return None
        if session.expires_at is not None and session.expires_at <= self._clock.real():
            return None
        return session.user

    def kill(self, token: str) -> None:
        """Let a token be unknown from now on."""
        self._access.pop(token, None)

    def refreshed(self, token: str, *, rotate: bool) -> tuple[Viewer, str | None] | None:
        """Whose refresh token this is, and the new one where it works only once."""
        user = self._refresh.get(token)
        if user is None:
            return None
        if not rotate:
            return user, None
        del self._refresh[token]
        new = secrets.token_urlsafe(24)
        self._refresh[new] = user
        return user, new


def user_named(username: str) -> Viewer | None:
    """The user with this name, in any case."""
    return next((one for one in USERS if one.username == username.lower()), None)
