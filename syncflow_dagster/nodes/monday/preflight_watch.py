"""Watching the contract during a push: did the board change, when monday refuses what it promised?

A record that does not fit is that record's trouble. A column that went away, a label that was
deleted or a board that was archived is everybody's: the push stops, and no record is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import Reject, Retry, Stop
from syncflow_dagster.ledger.pauses import AccountPaused
from syncflow_dagster.nodes.monday.classify import code_of, column_of
from syncflow_dagster.nodes.monday.contract import BoardUnavailable, type_name
from syncflow_dagster.nodes.monday.preflight_pin import as_pinned, differences, label_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.outcomes import Outcome
    from syncflow_dagster.ledger.ports import Effect
    from syncflow_dagster.nodes.monday.contract import BoardColumn, Contract
    from syncflow_dagster.workflows.models import MondayPushNode

#: What the reason of a change begins with that waits since its board changed.
CHANGED = "the board changed"
#: What was refused, in a form that can be told from others; a suspicion is looked into until two
#: looks at the board, so far apart that no read can be late any more, show no change.
Suspicion = tuple[str, ...]

_BOARD_CODES = frozenset(
    {
        "invalidboardidexception",
        "userunauthorizedexception",
        "useraccessdenied",
        "missingrequiredpermissions",
    }
)
_COLUMN_CODES = frozenset({"invalidcolumnidexception", "missingcolumn"})
_VALUE_CODES = frozenset({"columnvalueexception", "invalidcolumntypeexception"})


def labels_in(value: object) -> list[str]:
    """Return the labels a column's JSON value chooses; none for a value that chooses none."""
    if not isinstance(value, dict):
        return []
    chosen = value.get("labels") or [value.get("label")]
    return [str(label) for label in chosen if label]


class ContractWatch:
    """Compares monday's refusals with what the board looked like when the push began.

    Args:
        node: The push node.
        contract: The boards as they were read at the start.
        read: Reads them again; may raise `BoardUnavailable` and `AccountPaused`.
        clock: The present.
        settle_s: Seconds after which monday's reads show every change.
    """

    def __init__(
        self,
        node: MondayPushNode,
        contract: Contract,
        read: Callable[[], Contract],
        clock: Clock,
        settle_s: float,
    ) -> None:
        self._node = node
        self._start = contract
        self._read = read
        self._clock = clock
        self._settle_s = settle_s
        self._first_seen: dict[Suspicion, datetime] = {}
        self._cleared: set[Suspicion] = set()

    def examine(
        self,
        effects: Sequence[Effect],
        errors: Mapping[int, Mapping[str, Any]],
        outcomes: Mapping[int, Outcome],
    ) -> dict[int, Outcome]:
        """Return the outcomes of a request, with a stop for what a changed board refused.

        Args:
            effects: The request's effects.
            errors: monday's error by effect id, where there was one.
            outcomes: What the errors mean by themselves, by effect id.
        """
        suspects = {
            effect.effect_id: (effect, suspicion)
            for effect in effects
            if (error := errors.get(effect.effect_id)) is not None
            and (suspicion := self._suspicion(effect, error, outcomes[effect.effect_id]))
            and suspicion not in self._cleared
        }
        judged = dict(outcomes)
        if not suspects:
            return judged
        groups = {effect.parent_id for effect, what in suspects.values() if what[0] == "group"}
        now = self._clock.now()
        if all(self._rests_s(suspicion, now) > 0 for _, suspicion in suspects.values()):
            return judged | self._unchanged(suspects, outcomes, now)
        try:
            changes = list(self._changes(self._read(), groups))
        except (BoardUnavailable, AccountPaused) as unread:
            return judged | self._unread(unread, suspects, outcomes)
        if not changes:
            return judged | self._unchanged(suspects, outcomes, now)
        stop = Stop(f"{CHANGED}: {'; '.join(changes)}")
        return judged | dict.fromkeys(suspects, stop)

    def _unread(
        self,
        unread: BoardUnavailable | AccountPaused,
        suspects: Mapping[int, tuple[Effect, Suspicion]],
        outcomes: Mapping[int, Outcome],
    ) -> dict[int, Outcome]:
        if isinstance(unread, BoardUnavailable) and isinstance(unread.outcome, Stop):
            return dict.fromkeys(suspects, Stop(f"{CHANGED}: {unread.outcome.reason}"))
        # Nobody knows whose fault it is: no record is given up for it.
        return {
            effect_id: self._again(suspicion, outcomes[effect_id], str(unread), self._settle_s)
            for effect_id, (_, suspicion) in suspects.items()
            if not isinstance(outcomes[effect_id], Stop)
        }

    def _rests_s(self, suspicion: Suspicion, now: datetime) -> float:
        """Return for how long a look at the board tells no more than the first one did."""
        first = self._first_seen.get(suspicion)
        return 0.0 if first is None else self._settle_s - (now - first).total_seconds()

    def _unchanged(
        self,
        suspects: Mapping[int, tuple[Effect, Suspicion]],
        outcomes: Mapping[int, Outcome],
        now: datetime,
    ) -> dict[int, Outcome]:
        """Believe that nothing changed once a read must show it; until then try again later."""
        postponed: dict[int, Outcome] = {}
        for effect_id, (_, suspicion) in suspects.items():
            if isinstance(outcomes[effect_id], Stop):
                # It keeps its place, whatever the board looks like.
                continue
            self._first_seen.setdefault(suspicion, now)
            rests_s = self._rests_s(suspicion, now)
            if rests_s > 0:
                what = "a read may be late, so the board is read again"
                postponed[effect_id] = self._again(suspicion, outcomes[effect_id], what, rests_s)
            else:
                self._cleared.add(suspicion)
        return postponed

    def _again(self, suspicion: Suspicion, outcome: Outcome, why: str, after_s: float) -> Retry:
        """Return a retry that costs no try, and says what the next push has to look at."""
        said = getattr(outcome, "reason", "")
        text = f"{CHANGED}? {_told(suspicion)} was refused ({said}); {why}"
        return Retry(text, after_s, counts=False)

    def _suspicion(
        self, effect: Effect, error: Mapping[str, Any], outcome: Outcome
    ) -> Suspicion | None:
        code = code_of(error)
        if code in _BOARD_CODES:
            return ("board",)
        is_amended = isinstance(outcome, Retry) and outcome.payload is not None
        if not isinstance(outcome, Reject) and not is_amended:
            return None
        if code == "invalidgroupidexception" and effect.parent_id is not None:
            return ("group", effect.parent_id)
        if code in _COLUMN_CODES:
            return ("column", str(column_of(error)))
        if code in _VALUE_CODES:
            return self._of_value(effect, error, is_amended=is_amended)
        return None

    def _of_value(
        self, effect: Effect, error: Mapping[str, Any], *, is_amended: bool
    ) -> Suspicion | None:
        name = column_of(error)
        column = self._known(effect, name)
        if name is None or column is None:
            return None
        data = (error.get("extensions") or {}).get("error_data") or {}
        now_type = str(data.get("column_type") or "")
        if type_name(now_type) != column.type:
            # An old name of the type, or a new type: reading the board once tells which.
            return ("type", name, now_type)
        wanted = labels_in(effect.payload.get("columns", {}).get(name))
        # A label the board never had is the record's own mistake; and where the column's rule is
        # to be dropped, a label that went is no reason to stop.
        if wanted and not is_amended and set(wanted) <= set(column.labels or ()):
            return ("labels", name, *sorted(wanted))
        return None

    def _known(self, effect: Effect, name: str | None) -> BoardColumn | None:
        board = self._start.of(subitems=bool(effect.payload.get("subitem")))
        return board.columns.get(name) if board is not None and name is not None else None

    def _changes(self, now: Contract, groups: set[str | None]) -> Iterator[str]:
        """Return what no longer holds of what the push began with."""
        for board in (now.board, now.subitems):
            if board is not None and board.state != "active":
                yield f"board {board.board_id} ({board.name!r}) is {board.state}"
            if board is not None and board.access == "view":
                yield f"the token's user may only view board {board.board_id} ({board.name!r})"
        before, after = as_pinned(self._node, self._start), as_pinned(self._node, now)
        for one in differences(self._node, (), before, after):
            if one.breaks:
                yield one.text
        there = set(now.board.groups.values())
        titles = {group: title for title, group in self._start.board.groups.items()}
        for group in sorted(str(one) for one in groups if one not in there):
            named = f"{titles[group]!r} ({group})" if group in titles else group
            yield f"group {named} is gone"


def _told(suspicion: Suspicion) -> str:
    kind, *named = suspicion
    if kind == "labels":
        column, *labels = named
        return " and ".join(label_named(label, column) for label in labels)
    if kind in {"column", "type"}:
        return f"column {named[0]!r}"
    return f"group {named[0]}" if named else f"the {kind}"
