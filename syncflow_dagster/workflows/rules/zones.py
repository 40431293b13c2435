"""Time zones."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from syncflow_dagster.workflows.problems import Finding, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.view import View

#: Files beside those of the zones, which say something else on each machine.
_NOT_THE_SAME = frozenset({"localtime", "posixrules"})


def bad_timezone(view: View) -> Iterator[Finding]:
    """Report a text that is no IANA time zone."""
    if view.text is None or zone_of(view) is not None:
        return
    # Short names are another zone's sooner than a misspelt one: CEST is not EST.
    close = nearest(view.text, sorted(one for one in available_timezones() if "/" in one))
    hint = f"did you mean {close!r}?" if close else "for example 'America/New_York' or 'UTC'"
    yield Finding(view.loc, f"there is no time zone {view.text!r}", hint)


def zone_of(view: View) -> ZoneInfo | None:
    """Return the time zone a text names, UTC where there is no text; None: there is no such."""
    if not view.exists:
        return ZoneInfo("UTC")
    if view.text in _NOT_THE_SAME:
        return None
    try:
        return ZoneInfo(view.text or "")
    except (ValueError, OSError, LookupError):
        return None
