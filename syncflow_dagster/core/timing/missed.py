"""What becomes of due times at which nothing was started in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

Kind = Literal["skip", "latest", "all"]


@dataclass(frozen=True, slots=True)
class Missed:
    """The policy of a trigger.

    Attributes:
        kind: `skip`: a missed due time is left out. `latest`: of all that are open, the newest is
            run and stands for the others. `all`: missed ones are made up for, in order.
        most: How many `all` makes up for at most, the newest ones; None: it leaves out none.
        late_after: A due time that waits longer than this is missed.
    """

    kind: Kind
    most: int | None
    late_after: timedelta


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of the open due times.

    Attributes:
        run: Those to run, one after the other, ascending.
        skipped: Those that are not run, ascending, and why.
    """

    run: tuple[datetime, ...]
    skipped: tuple[tuple[datetime, str], ...]


def settle(
    open_due: Sequence[datetime],
    now: datetime,
    policy: Missed,
    may_start_from: Callable[[datetime], datetime],
) -> Settled:
    """Decide on due times that have come and have not been run.

    Args:
        open_due: The due times, in any order.
        now: The time it is.
        policy: What the trigger wants.
        may_start_from: From when on the run of a due time may start: the due time itself, or when
            the next window opens. To wait for that is not to be late.
    """
    due = sorted(set(open_due))
    if policy.kind == "latest":
        covered = "the run of a later due time stands for it"
        return Settled(tuple(due[-1:]), tuple((one, covered) for one in due[:-1]))
    late = [one for one in due if now - may_start_from(one) > policy.late_after]
    if policy.kind == "skip":
        why, left_out = "it was missed, and missed ones are skipped", set(late)
    else:
        why = f"it was missed, and of those only the newest {policy.most} are made up for"
        left_out = set() if policy.most is None else set(late[: max(0, len(late) - policy.most)])
    return Settled(
        tuple(one for one in due if one not in left_out),
        tuple((one, why) for one in due if one in left_out),
    )
