"""From an answer to what it tells of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.errors import KEY_TYPES, ErrorClass, Refusal
from syncflow_dagster.nodes.linkedin.signals import Signal, SignalKind

if TYPE_CHECKING:
    from syncflow_dagster.core.outreach.tiers import Bucket
    from syncflow_dagster.nodes.linkedin.signals import Scope

#: Percent of the provider's limit from which on an account does no more of it
#: (Unipile tells landings: 50, 75, 90, 95).
FULL = 90.0
_TOLD: dict[ErrorClass, tuple[SignalKind, Scope]] = {
    ErrorClass.ACCOUNT_LIMIT: (SignalKind.LIMIT, "bucket"),
    ErrorClass.ACCOUNT_DOWN: (SignalKind.DOWN, "account"),
    ErrorClass.CONFIG: (SignalKind.CONFIG, "sequence"),
    ErrorClass.NOT_SENT: (SignalKind.FAILURE, "bucket"),
    ErrorClass.UNKNOWN: (SignalKind.FAILURE, "bucket"),
    ErrorClass.UNRECOGNISED: (SignalKind.UNRECOGNISED, "account"),
}


def signal_of(refused: Refusal, bucket: Bucket, lead_id: int | None = None) -> Signal:
    """Return what a refusal tells; one that is about the lead alone shows that the rest works."""
    kind, scope = _TOLD.get(refused.kind, (SignalKind.OK, "bucket"))
    if refused.slug in KEY_TYPES:
        scope = "tenant"
    if refused.slug == "account_restricted":
        kind = SignalKind.RESTRICTED
    return Signal(kind, scope, bucket, refused.reason, lead_id=lead_id)


def signal_of_success(usage: float | None, bucket: Bucket, lead_id: int | None = None) -> Signal:
    """Return what a success tells: `usage` rides on it."""
    full = usage is not None and usage >= FULL
    reason = "" if usage is None else f"UNI: {usage:g} % of the provider's limit are used up"
    kind = SignalKind.LIMIT if full else SignalKind.OK
    return Signal(kind, "bucket", bucket, reason, usage=usage, lead_id=lead_id)
