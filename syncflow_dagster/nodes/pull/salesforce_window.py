"""The time a read of changes is of, and how far the org can tell what changed.

A record's stamp is taken before its transaction is committed, so an older stamp may come to show
later. What a read covers ends where that can still happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql.literals import instant
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.salesforce.replication import covered_to
from syncflow_dagster.workflows.rules.salesforce import STAMPS, UNCHANGING

if TYPE_CHECKING:
    from syncflow_dagster.core.soql.schema import ObjectInfo
    from syncflow_dagster.nodes.rows import Mark
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient

#: `Date` has whole seconds, as stamps have, and the org's servers do not all agree on the time.
LAG = timedelta(seconds=5)
#: How long a transaction of an org may take
#: (https://developer.salesforce.com/docs/atlas.en-us.apexcode.meta/apexcode/apex_gov_limits.htm).
LONGEST_TRANSACTION = timedelta(minutes=10)
#: The org leaves out the seconds of what it is asked, so the end is asked for a bit later.
_ASKED = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Window:
    """What of an object is read.

    Attributes:
        since: Changes from this instant on; None: all records.
        upto: Changes before this instant; None: no bound. A read of all records has none, or
            those changed last would count as deleted.
        covered: Every change before this instant shows; None: nothing is known of changes.
    """

    since: datetime | None = None
    upto: datetime | None = None
    covered: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no instant is in it."""
        return self.since is not None and self.upto is not None and self.since >= self.upto

    def conditions(self, cursor: str | None, *, nillable: bool) -> tuple[str, ...]:
        """Return the window as conditions of a query.

        Args:
            cursor: The field; None only without `since`.
            nillable: Whether it may be empty: such a record has no instant, and is always read.
        """
        if self.since is None or self.upto is None:
            return ()
        low, high = f"{cursor} >= {instant(self.since)}", f"{cursor} < {instant(self.upto)}"
        return (f"(({low} AND {high}) OR {cursor} = null)",) if nillable else (low, high)


def open_window(client: SalesforceClient, owner: str, since: Mark | None) -> Window:
    """Return the window of a read that begins now.

    Args:
        client: The org, which has answered before: its clock is asked, never ours.
        owner: The object.
        since: The row version that changes are read from; None: all records.

    Raises:
        SourceUnavailableError: The org does not answer.
        QueryFailedError: It tells no time; or the row version is none.
    """
    now = client.server_now()
    if now is None:
        raise QueryFailedError("the org's answers have no Date, by which changes are told apart")
    now = now.replace(microsecond=0)
    upto = now - LAG
    told = _told(client, owner, now)
    # The org leaves out nothing that it says is covered; else we wait for what may still run.
    covered = min(upto, told or now - LONGEST_TRANSACTION)
    if since is None:
        return Window(covered=covered)
    if not isinstance(since, datetime):
        what = f"changes of {owner} are told apart by instants"
        msg = f"{what}, and the row version is {since!r}: give its field type: datetime"
        raise QueryFailedError(msg)
    known = since if since.tzinfo else since.replace(tzinfo=UTC)
    return Window(known, upto if told is None else covered, covered)


def late_condition(owner: ObjectInfo, covered: datetime | None) -> str | None:
    """Return what every record meets that has changed since a read began.

    Args:
        owner: The object.
        covered: Every change before this instant showed when the read began.

    Returns:
        None where the object has no stamp that grows with every change.
    """
    stamp = next((one for one in STAMPS if one not in UNCHANGING and owner.field(one)), None)
    if stamp is None or covered is None:
        return None
    return f"{stamp} >= {instant(covered)}"


def _told(client: SalesforceClient, owner: str, now: datetime) -> datetime | None:
    """Return the instant up to which the org shows every change; None if it keeps no such log."""
    try:
        return covered_to(client, owner, now - _ASKED, now + _ASKED)
    except QueryFailedError:
        return None
