"""What the parts of a LinkedIn step tell about themselves."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from syncflow_dagster.assets import tables
from syncflow_dagster.assets.plots import bars, shares
from syncflow_dagster.nodes.linkedin.inbox_report import InboxReport, PollReport
from syncflow_dagster.nodes.linkedin.preview import Preview
from syncflow_dagster.nodes.linkedin.report import EnrolReport, Statistics, SweepReport, TurnReport

#: Stages of the funnel, in their order.
FUNNEL = ("enrolled", "invited", "connected", "messaged", "replied", "completed", "opted_out")
_USAGE = ["account", "bucket", "window", "used", "allowed", "next_free_at", "open_until", "reason"]


def told_enrolment(report: EnrolReport) -> str:
    """Return what enrolling came to, in a line."""
    counts = {
        "enrolled": report.enrolled,
        "taken up anew": report.refreshed,
        "cancelled": report.cancelled,
        "held": report.held.total(),
        "not enrolled": report.dead.total(),
    }
    return f"{report.rows:,} changes of the source: {_words(counts) or 'nothing to do'}"


def told_preview(preview: Preview) -> str:
    """Return what a person has to approve, in a line."""
    if not preview.leads:
        return f"{preview.account}: no texts wait for approval"
    return (
        f"{preview.account}: the texts of {preview.leads:,} leads wait for approval; "
        f"syncflow outreach approve takes the hash {preview.batch_hash}"
    )


def told_inbox(report: InboxReport) -> str:
    """Return what the inbox held, in a line."""
    failed = f"; {report.failed:,} could not be read" if report.failed else ""
    return f"{report.read:,} events: {_words(report.outcomes) or 'nothing new'}{failed}"


def told_poll(report: PollReport) -> str:
    """Return what asking came to, in a line."""
    pages = _words(report.pages) or "nothing was due"
    stopped = "".join(f"; {name} ended: {why}" for name, why in sorted(report.stopped.items()))
    found = _words(report.outcomes)
    return f"{report.account}: {pages}{f'; found {found}' if found else ''}{stopped}"


def told_turn(report: TurnReport, *, dry_run: bool) -> str:
    """Return what a turn came to, in a line."""
    if dry_run:
        kinds = _words(Counter(one.kind for one in report.would))
        return f"dry run, nothing is sent by {report.account}: {kinds or 'nothing to send'} now"
    if report.stopped is not None:
        return f"{report.account} does nothing for now: {report.stopped}"
    sent = _words(report.sent) or "nothing sent"
    held = _words(report.held)
    more = f"; held: {held}" if held else ""
    later = f"; next at {report.next_at:%Y-%m-%d %H:%M} UTC" if report.next_at else ""
    if report.left is not None:
        later = f"; left: {report.left}"
    return f"{report.account}: {sent}; {report.looked_at:,} leads looked at{more}{later}"


def told_sweep(report: SweepReport) -> str:
    """Return what a sweep came to, in a line."""
    repaired, left = _words(report.repaired), _words(report.open)
    return f"repaired: {repaired or 'nothing'}; for a person: {left or 'nothing'}"


def of_enrolment(report: EnrolReport, previews: Sequence[Preview]) -> dict[str, Any]:
    """Return who was enrolled, who was not and why, and what waits for approval."""
    metadata: dict[str, Any] = {
        "changes": report.rows,
        "enrolled": report.enrolled,
        "taken_up_anew": report.refreshed,
        "cancelled": report.cancelled,
        "held": report.held.total(),
        "not_enrolled": report.dead.total(),
        "waiting_for_approval": sum(one.leads for one in previews),
    }
    if report.by_account:
        metadata["by_account"] = bars(report.by_account, "new leads, by account")
    why = report.held + report.dead
    if why:
        rows = [{"reason": reason, "leads": count} for reason, count in why.most_common()]
        metadata["reasons"] = tables.table(rows, ["reason", "leads"])
    if report.why:
        rows = [{"record": key, "reason": reason} for key, reason in report.why]
        metadata["examples"] = tables.table(rows, ["record", "reason"])
    waiting = [one for one in previews if one.leads]
    if waiting:
        rows = [
            {"account": one.account, "leads": one.leads, "hash": one.batch_hash} for one in waiting
        ]
        metadata["previews"] = tables.table(rows, ["account", "leads", "hash"])
    return metadata


def of_inbox(report: InboxReport) -> dict[str, Any]:
    """Return what became of events."""
    metadata: dict[str, Any] = {
        "events": report.read,
        "failed": report.failed,
        "still_open": report.open,
    }
    if report.outcomes:
        metadata["outcomes"] = bars(report.outcomes, "events of this run, by what they were")
    return metadata


def of_poll(report: PollReport) -> dict[str, Any]:
    """Return what asking about an account brought."""
    metadata: dict[str, Any] = {
        "account": report.account,
        "pages": report.pages.total(),
        "profiles": report.profiles,
        **{f"found_{word}": count for word, count in sorted(report.outcomes.items())},
    }
    if report.status is not None:
        metadata["status"] = report.status
    if report.stopped:
        rows = [{"poll": name, "reason": why} for name, why in sorted(report.stopped.items())]
        metadata["ended_early"] = tables.table(rows, ["poll", "reason"])
    if report.next_at is not None:
        metadata["next_poll"] = dg.MetadataValue.timestamp(report.next_at)
    return metadata


def of_turn(report: TurnReport, *, dry_run: bool) -> dict[str, Any]:
    """Return what an account did, and why it did no more."""
    metadata: dict[str, Any] = {
        "account": report.account,
        "dry_run": dry_run,
        "looked_at": report.looked_at,
        "sent": report.sent.total(),
        **{f"sent_{kind}": count for kind, count in sorted(report.sent.items())},
        "completed": report.completed,
        "waiting": report.waiting,
        "requests": report.requests,
        "reads": report.reads,
    }
    if report.left is not None:
        metadata["left"] = report.left
    if dry_run:
        metadata["would_send"] = len(report.would)
    if report.would:
        rows = [
            {"lead": one.lead_id, "step": one.step, "what": one.kind, "text": one.text}
            for one in report.would
        ]
        metadata["preview"] = tables.table(rows, ["lead", "step", "what", "text"])
    if report.held:
        rows = [{"reason": why, "actions": count} for why, count in report.held.most_common()]
        metadata["held"] = tables.table(rows, ["reason", "actions"])
    if report.outcomes:
        rows = [{"outcome": name, "actions": n} for name, n in sorted(report.outcomes.items())]
        metadata["outcomes"] = tables.table(rows, ["outcome", "actions"])
    if report.stopped is not None:
        metadata["stopped"] = report.stopped
    if report.next_at is not None:
        metadata["next_at"] = dg.MetadataValue.timestamp(report.next_at)
    return metadata


def of_statistics(found: Statistics, swept: SweepReport) -> dict[str, Any]:
    """Return a node's numbers: funnel, limits, states, and what is stuck."""
    funnel = {stage: sum(int(row[stage]) for row in found.funnel) for stage in FUNNEL}
    limits = {
        f"{one.account} {one.bucket} / {one.window}": (one.used, one.allowed)
        for one in found.usage
        if one.allowed
    }
    metadata: dict[str, Any] = {
        "dagster/row_count": found.states.total(),
        **funnel,
        "stuck": len(found.stuck),
        "unknown_outcomes": found.unknown,
        "repaired": swept.repaired.total(),
        "for_a_person": swept.open.total(),
        "funnel": bars(funnel, "leads, by how far they came"),
    }
    if limits:
        metadata["limits"] = shares(limits, "used of what each account may do")
    if found.funnel:
        metadata["by_variant"] = tables.table(found.funnel, ["account", "variant", *FUNNEL])
    if found.usage:
        rows: list[Mapping[str, Any]] = [
            {name: getattr(one, name) for name in _USAGE} for one in found.usage
        ]
        metadata["limit_usage"] = tables.table(rows, _USAGE)
    if found.states:
        metadata["states"] = bars(dict(sorted(found.states.items())), "leads, by state")
    if swept.troubles:
        rows = [
            {"what": one.what, "lead": one.lead_id, "account": one.account, "detail": one.detail}
            for one in swept.troubles
        ]
        metadata["troubles"] = tables.table(rows, ["what", "lead", "account", "detail"])
    return metadata


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
