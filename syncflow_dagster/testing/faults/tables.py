"""The matrix as tables of the project's pages, written by the run that has all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from syncflow_dagster.testing.faults.results import FaultResult

BEGIN, END = "<!-- fault table: begin -->", "<!-- fault table: end -->"
#: The kinds of faults that have rows. All of them, and what holds the others: the faults' page.
KINDS = {
    "F1": "kill -9 at every step boundary",
    "F2": "SIGTERM, and SIGKILL after it",
    "F3": "reply lost after apply",
    "F4": "500, 502, 504 after apply",
    "F5": "500, 502, 503, 504 before apply",
    "F6": "applied late, after the client gave up",
    "F7": "reads lag writes",
    "F8": "429 and complexity exceptions",
    "F9": "some mutations of a request fail",
    "F10": "some lines of Salesforce's bulk job fail",
    "F11": "bulk job completed with invalid rows",
    "F12": "bulk report expired, or job id lost",
    "F13": "webhooks twice, or out of order",
    "F14": "poison records",
    "F15": "batch rejected without an index",
    "F16": "PostgreSQL restarted, cut off, read-only, full",
    "F17": "source session ended in mid-read",
    "F18": "Dagster's daemon down, its worker killed, its queue full",
    "F19": "two runs at once",
    "F20": "clocks jump",
    "F21": "daylight saving of schedules",
    "F22": "a window of sending ends",
    "F23": "token revoked, then valid again",
    "F24": "board changed in mid-run",
    "F25": "odd texts",
    "F26": "keys and hashes",
    "F27": "parents late, dead, or of many children",
    "F28": "consent withdrawn",
    "F29": "nothing disturbed; large loads",
    "F31": "slow, torn or absent network",
}
_WHOLE_HEAD = (
    "number",
    "fault",
    "duplicates",
    "lost",
    "unknown",
    "extra calls",
    "recovery s",
)
_FOLDED_HEAD = ("fault", "rows", *_WHOLE_HEAD[2:])
#: Pages by their place in the project, with what their table is made by.
README, PAGE = "README.md", "docs/reference/faults.md"


def folded(results: Iterable[FaultResult]) -> list[str]:
    """Return a table with a row for each kind of fault, which shows the worst of its rows."""
    kinds: dict[str, list[FaultResult]] = {}
    for one in _sorted(results):
        kinds.setdefault(one.number, []).append(one)
    return _table(
        _FOLDED_HEAD,
        [
            (
                f"{number} {KINDS[number]}" + ("" if all(r.passed for r in rows) else _FAILED),
                len(rows),
                max(row.duplicates for row in rows),
                max(row.lost for row in rows),
                max(row.unknown for row in rows),
                max(row.extra_calls for row in rows),
                max(row.recovery_s for row in rows),
            )
            for number, rows in kinds.items()
        ],
    )


def whole(results: Iterable[FaultResult]) -> list[str]:
    """Return the table with all rows."""
    return _table(
        _WHOLE_HEAD,
        [
            (
                row.number,
                row.fault.replace("|", "\\|") + ("" if row.passed else _FAILED),
                row.duplicates,
                row.lost,
                row.unknown,
                row.extra_calls,
                row.recovery_s,
            )
            for row in _sorted(results)
        ],
    )


_FAILED = " **(failed)**"


def _sorted(results: Iterable[FaultResult]) -> list[FaultResult]:
    return sorted(results, key=lambda one: int(one.number.removeprefix("F")))


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [" | ".join(map(str, row)) for row in (head, ["---"] * len(head), *rows)]
    return [f"| {line} |" for line in lines]


def write_tables(results: Sequence[FaultResult], root: Path) -> list[str]:
    """Write both tables into their pages; each page is replaced at once.

    Args:
        results: All rows of the matrix.
        root: Where the project's pages are.

    Returns:
        The pages.

    Raises:
        FileNotFoundError: A page is not there: it is no checkout of the project.
        ValueError: A page has no place for its table.
    """
    for page, lines in ((README, folded(results)), (PAGE, whole(results))):
        path = root / page
        text = path.read_text(encoding="utf-8")
        before, begun, rest = text.partition(BEGIN)
        _, ended, after = rest.partition(END)
        if not (begun and ended):
            msg = f"{path}: its table goes between the lines {BEGIN} and {END}, which it lacks"
            raise ValueError(msg)
        written = path.with_suffix(".md.new")
        written.write_text(
            "\n".join([before + BEGIN, "", *lines, "", END]) + after, encoding="utf-8"
        )
        written.replace(path)
    return [README, PAGE]
