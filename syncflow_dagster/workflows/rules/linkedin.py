"""LinkedIn steps: whose records they take, who the leads are, and the accounts that act."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach.tokens import TOKENS
from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.rules.graph import repeated
from syncflow_dagster.workflows.rules.references import taken_once
from syncflow_dagster.workflows.rules.zones import bad_timezone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
#: Their defaults, where a file gives one of the two only; see the models.
_START, _END = "08:30", "18:30"
_GAP_MIN_S, _GAP_MAX_S = 120, 480


def sources(graph: Graph) -> Iterator[Finding]:
    """Report LinkedIn steps whose source is no delta node, or is taken by another node, too."""
    others = [*graph.of_type("identity"), *graph.of_type("tag")]
    taken = {str(node["source"].text): str(node["name"].text) for node in others}
    yield from taken_once(graph, "linkedin_step", taken)


def leads(graph: Graph) -> Iterator[Finding]:
    """Report leads that cannot be found, and fields that the source has not."""
    for node in graph.of_type("linkedin_step"):
        lead, source = node["lead"], graph.node(node["source"].text, "delta")
        columns = lead["columns"].texts()
        named = [view for key, view in lead.entries().items() if key != "columns"]
        for view in (*named, *columns):
            yield from graph.unknown_field(source, view)
        yield from repeated(columns, "the field", "list it once")
        if lead.is_mapping and not (lead["linkedin"].exists or lead["provider_id"].exists):
            message = "no field says where the person is on LinkedIn"
            yield Finding(lead.loc, message, "name one under 'linkedin' or 'provider_id'")
        if node["blocked_countries"].items() and lead.is_mapping and not lead["country"].exists:
            message = "no field says which country a person is in"
            hint = "name one under 'country' of 'lead'"
            yield Finding(node["blocked_countries"].loc, message, hint, at_key=True)
        for column in columns:
            if column.text in TOKENS and lead[column.text].text != column.text:
                message = f"{column.text!r} is a token that every lead has"
                yield Finding(column.loc, message, "name the field by that key of 'lead'")


def accounts(graph: Graph) -> Iterator[Finding]:
    """Report accounts that are there twice, and times and pauses that cannot be."""
    for node in graph.of_type("linkedin_step"):
        listed = node["accounts"].items()
        for key in ("name", "id"):
            views = [account[key] for account in listed]
            what = "the account" if key == "name" else "the account's id"
            yield from repeated(views, what, "an account is listed once: its limits are its own")
        for account in listed:
            yield from bad_timezone(account["timezone"])
            yield from _hours(account["hours"])
            yield from _gap(account["limits"])


def one_name(graph: Graph) -> Iterator[Finding]:
    """Report accounts that two nodes know by different names, or by one name for two of them.

    Limits are counted by connection and name: under two names an account would do twice as much.
    """
    names: dict[tuple[str, str], str] = {}
    ids: dict[tuple[str, str], str] = {}
    for node in graph.of_type("linkedin_step"):
        tenant = (
            graph.root["connections"][str(node["connection"].text)]["account"].text or "default"
        )
        here = [
            ((tenant, str(account["name"].text)), (tenant, str(account["id"].text)), account)
            for account in node["accounts"].items()
            if account["name"].text and account["id"].text
        ]
        for (_, name), (_, number), account in here:
            if (called := names.get((tenant, number), name)) != name:
                message = f"another node calls this account {called!r}"
                yield Finding(account["name"].loc, message, "call it the same: limits are shared")
            elif ids.get((tenant, name), number) != number:
                message = f"another node calls another account {name!r}"
                yield Finding(account["name"].loc, message, "give it a name of its own")
        names |= {number: name[1] for name, number, _ in here}
        ids |= {name: number[1] for name, number, _ in here}


def dry_run(graph: Graph) -> Iterator[Finding]:
    """Warn of nodes that are to send."""
    for node in graph.of_type("linkedin_step"):
        if node["dry_run"].data is False:
            message = (
                "this node sends, and LinkedIn's terms forbid automated invitations and messages"
            )
            hint = (
                "accounts that do may be restricted; each has to be acknowledged by a person, and "
                "each version approved, before anything is sent"
            )
            yield Finding(node["dry_run"].loc, message, hint, is_warning=True)


def _hours(hours: View) -> Iterator[Finding]:
    yield from repeated(hours["days"].texts(), "the day", "list it once")
    start, end = hours["start"].text or _START, hours["end"].text or _END
    if _TIME.fullmatch(start) and _TIME.fullmatch(end) and start >= end:
        view = hours["end"] if hours["end"].exists else hours["start"]
        message = f"from {start} until {end} is no time at all"
        yield Finding(view.loc, message, "begin before the end; a night is not worked through")


def _gap(limits: View) -> Iterator[Finding]:
    shortest = limits["gap_min_s"].data if limits["gap_min_s"].exists else _GAP_MIN_S
    longest = limits["gap_max_s"].data if limits["gap_max_s"].exists else _GAP_MAX_S
    if isinstance(shortest, int) and isinstance(longest, int) and shortest > longest:
        view = limits["gap_max_s"] if limits["gap_max_s"].exists else limits["gap_min_s"]
        message = f"the shortest pause, {shortest} s, is longer than the longest, {longest} s"
        yield Finding(view.loc, message, "a pause is drawn between 'gap_min_s' and 'gap_max_s'")


RULES = (sources, leads, accounts, one_name, dry_run)
