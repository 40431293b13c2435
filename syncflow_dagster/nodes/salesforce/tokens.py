"""The token in use: one login at a time for all threads, and never one after another in vain."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.salesforce.login_errors import LoginRefused, LoginUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.nodes.salesforce.login import Token

#: Most new tokens for refused ones in so many seconds: a session lasts 15 minutes at least.
_MOST_RENEWALS, _WITHIN_S = 5, 600.0
#: Seconds for which a login that was not answered is not tried again, by whatever thread.
_PAUSE_S = 1.0


class Tokens:
    """Gives the token to send with, and a new one where the org has refused it.

    Args:
        log_in: Gets a token.
        renewable: Whether a second call of it can give another token.
        monotonic: Seconds that only grow.
    """

    def __init__(
        self,
        log_in: Callable[[], Token],
        *,
        renewable: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log_in = log_in
        self._renewable = renewable
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._attempts = 0
        self._renewals: deque[float] = deque(maxlen=_MOST_RENEWALS)
        self._accepted = False
        self._failure: LoginRefused | LoginUnavailable | None = None
        self._failed_at = 0.0

    def get(self) -> Token:
        """Return the token in use.

        Raises:
            LoginRefused: The org refuses the login, or every token it gave; it is not asked again.
            LoginUnavailable: The login was not answered.
        """
        token, attempts = self._token, self._attempts
        return token if token is not None else self._renewed(None, attempts)

    def accepted(self, token: Token) -> None:
        """Learn that the org carried out a request that was sent with a token."""
        if token is self._token:
            self._accepted = True

    def rejected(self, token: Token) -> Token:
        """Return the token to use in place of one the org has refused.

        Raises:
            LoginRefused: There will be none until somebody acts.
            LoginUnavailable: The login was not answered.
        """
        return self._renewed(token, self._attempts)

    def _renewed(self, refused: Token | None, attempts: int) -> Token:
        with self._lock:
            if self._token is not None and self._token is not refused:
                return self._token  # another thread was faster
            if self._failure is not None and self._holds(self._failure, attempts):
                raise self._failure
            self._check(refused)
            return self._logged_in(refused)

    def _holds(self, failure: LoginRefused | LoginUnavailable, attempts: int) -> bool:
        """Tell whether what the last login was told holds for whoever asks now."""
        return (
            isinstance(failure, LoginRefused)
            or self._attempts > attempts
            or self._monotonic() - self._failed_at < _PAUSE_S
        )

    def _check(self, refused: Token | None) -> None:
        """End it where another login would be in vain."""
        reason = None
        if refused is not None and not self._renewable:
            reason = (
                "the org refuses the session token, which cannot be refreshed: get a new one, or "
                "log in by client_credentials or jwt"
            )
        elif self._renewals and not self._accepted:
            # Another login would bring another token like it: this way lies an endless loop.
            reason = (
                "the org refuses tokens it has just given: check the user's API access, its "
                "session policies and the app's IP range"
            )
        elif refused is not None and self._too_many():
            reason = (
                f"sessions end at once: {_MOST_RENEWALS} new ones within {_WITHIN_S / 60:.0f} "
                "minutes. Check the user's session timeout and session policies, and that nothing "
                "else logs in as this user or revokes its tokens"
            )
        if reason is not None:
            self._token, self._failure = None, LoginRefused(reason)
            raise self._failure

    def _too_many(self) -> bool:
        full = len(self._renewals) == _MOST_RENEWALS
        return full and self._monotonic() - self._renewals[0] < _WITHIN_S

    def _logged_in(self, refused: Token | None) -> Token:
        self._attempts += 1
        self._token = None
        try:
            self._token = self._log_in()
        except (LoginRefused, LoginUnavailable) as error:
            self._failure, self._failed_at = error, self._monotonic()
            raise
        if refused is not None:
            self._renewals.append(self._monotonic())
        self._accepted, self._failure = False, None
        return self._token
