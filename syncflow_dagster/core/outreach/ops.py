"""The steps of a sequence as a flat list of operations: what a lead's position is an index into.

A workflow file nests steps in branches. They are flattened once, when they are loaded, and stored
with each version of the sequence, so that a lead's place is one number whatever branch it is in.
Every jump leads forwards: whoever walks along the list arrives at its end.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: What an account does to a person.
Kind = Literal["invite", "message", "inmail", "view_profile", "withdraw"]
#: What a branch asks.
Question = Literal["connected", "replied", "open_profile"]
#: What to do once an account may send no more notes with its invitations.
NoteExhausted = Literal["send_without", "defer", "skip"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text of an action, as a template.

    Attributes:
        text: The template.
        variant: Its name among several; None where there is one text only.
        weight: Its share among the variants.
        subject: Subject of an InMail, as a template.
    """

    text: str
    variant: str | None = None
    weight: int = 1
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Something is sent.

    Attributes:
        kind: What is done.
        texts: What it says, one of them for each lead; none for an invitation without a note, a
            visit or a withdrawal.
        note_exhausted: Of an invitation with a note: what to do once there are no more notes.
    """

    kind: Kind
    texts: tuple[Text, ...] = ()
    note_exhausted: NoteExhausted | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause in the account's working time: minutes of it, or working days."""

    minutes: int | None = None
    days: int | None = None

    def __post_init__(self) -> None:
        """Refuse a pause that has not exactly one length above zero."""
        lengths = [length for length in (self.minutes, self.days) if length is not None]
        if len(lengths) != 1 or lengths[0] < 1:
            raise ValueError("a wait has either minutes or days, at least 1")


@dataclass(frozen=True, slots=True)
class Test:
    """A branch: goes on with the next operation if it is so, else at `on_false`.

    Attributes:
        what: What is asked.
        on_false: Index of the operation to go on with if it is not so.
        within_days: Days of 24 hours to wait for it; None asks at once.
    """

    what: Question
    on_false: int
    within_days: int | None = None

    __test__ = False  # pytest is not to collect it


@dataclass(frozen=True, slots=True)
class Goto:
    """Goes on at another operation.

    Attributes:
        to: Index of it.
    """

    to: int


Op = Act | Wait | Test | Goto


@dataclass(frozen=True)
class Sequence:
    """A version of a sequence.

    Attributes:
        ops: The operations in their order.
    """

    ops: tuple[Op, ...]

    def __post_init__(self) -> None:
        """Refuse jumps that do not lead forwards, or lead beyond the end."""
        for index, op in enumerate(self.ops):
            target = op.to if isinstance(op, Goto) else getattr(op, "on_false", index + 1)
            if not index < target <= len(self.ops):
                msg = f"operation {index} leads to {target}, which is not ahead of it"
                raise ValueError(msg)

    @property
    def n_steps(self) -> int:
        """Number of operations; a lead whose position it is has completed the sequence."""
        return len(self.ops)

    @cached_property
    def digest(self) -> str:
        """Hash of what the sequence does and says, 32 hex digits: another one, another version."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:32]

    def to_json(self) -> list[dict[str, Any]]:
        """Return the operations as they are stored."""
        return [{"op": _NAMES[type(op)], **asdict(op)} for op in self.ops]

    @classmethod
    def from_json(cls, ops: Iterable[Mapping[str, Any]]) -> Sequence:
        """Return the sequence that `to_json` has given.

        Raises:
            ValueError: It is no such list.
        """
        return cls(tuple(_op(stored) for stored in ops))

    def behind(self, step: int) -> int:
        """Return where a lead stands once the operation at `step` is over, jumps followed.

        Of the last action of a branch that is the end: the lead completes with that action.
        """
        following = step + 1
        while following < len(self.ops) and isinstance(jump := self.ops[following], Goto):
            following = jump.to
        return following

    def acts(self) -> list[tuple[int, Act]]:
        """Return what is sent, each with its index."""
        return [(index, op) for index, op in enumerate(self.ops) if isinstance(op, Act)]


_NAMES: dict[type[Op], str] = {Act: "act", Wait: "wait", Test: "test", Goto: "goto"}
_OPS: dict[str, type[Op]] = {name: op for op, name in _NAMES.items()}


def _op(stored: Mapping[str, Any]) -> Op:
    given = {name: value for name, value in stored.items() if name != "op"}
    if "texts" in given:
        given["texts"] = tuple(Text(**text) for text in given["texts"])
    try:
        return _OPS[stored["op"]](**given)
    except (KeyError, TypeError) as error:
        msg = f"{dict(stored)!r} is no operation of a sequence"
        raise ValueError(msg) from error
