"""The committed-write log: what really happened at the services, for the judge."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.sandbox.clock import Clock


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One committed write.

    Attributes:
        seq: Position in the log, from 1, over all services.
        at: UTC moment of the commit, ISO 8601.
        service: Name of the service.
        op: The service's own name of the operation.
        key: The record's own key at the destination (see each service's seed).
        remote_id: The id that the service gave to the thing written.
        payload: The arguments as applied.
    """

    seq: int
    at: str
    service: str
    op: str
    key: str
    remote_id: str
    payload: Mapping[str, Any]


class WriteLog:
    """An append-only list of committed writes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[LogEntry] = []

    def append(
        self, *, service: str, op: str, key: str, remote_id: str, payload: Mapping[str, Any]
    ) -> None:
        """Record one committed write."""
        at = self._clock.wall().isoformat(timespec="microseconds")
        seq = len(self._entries) + 1
        self._entries.append(LogEntry(seq, at, service, op, key, remote_id, payload))

    def entries(self, service: str | None = None, after: int = 0) -> list[LogEntry]:
        """Entries with `seq` above `after`, of one service or of all."""
        return [e for e in self._entries[max(after, 0) :] if service in (None, e.service)]

    def json_lines(self, service: str | None = None, after: int = 0) -> str:
        """The same entries as JSON lines, one entry a line."""
        return "".join(json.dumps(asdict(e)) + "\n" for e in self.entries(service, after))

    def clear(self) -> None:
        """Forget everything; the next entry is number 1 again."""
        self._entries.clear()
