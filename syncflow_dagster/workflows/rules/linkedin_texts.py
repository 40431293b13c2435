"""Texts of a sequence on LinkedIn: where they come from, their tokens, their lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach import render, tokens
from syncflow_dagster.core.templates import TemplateError
from syncflow_dagster.workflows.models.linkedin import KIND_OF_TYPE
from syncflow_dagster.workflows.problems import Finding, suggestion
from syncflow_dagster.workflows.rules.graph import repeated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.core.outreach.render import TextKind
    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

#: Key of a step with its only text, and what such a text is, by the step's kind.
TEXT_KEYS: dict[str, tuple[str, TextKind]] = {
    "invite": ("note", "note"),
    "message": ("text", "message"),
    "inmail": ("text", "inmail"),
}


def kind_of(step: View) -> str | None:
    """Return what a step does, whichever alias the file has; None where it says nothing known."""
    return KIND_OF_TYPE.get(step["type"].text or "")


def steps_of(node: View) -> Iterator[View]:
    """Yield all steps of a node, those in branches too, in the file's order."""
    yield from _all(node["sequence"])


def texts_of(step: View) -> list[View]:
    """Return the templates that one of is sent to each lead."""
    key, _kind = TEXT_KEYS.get(kind_of(step) or "", ("", None))
    listed = [variant["text"] for variant in step["variants"].items()]
    return [view for view in (step[key], *listed) if view.text is not None]


def _all(steps: View) -> Iterator[View]:
    for step in steps.items():
        yield step
        if kind_of(step) == "condition":
            yield from _all(step["then"])
            yield from _all(step["otherwise"])


def sources(graph: Graph) -> Iterator[Finding]:
    """Report steps with no text, or with several that are no variants of each other."""
    for node in graph.of_type("linkedin_step"):
        for step in steps_of(node):
            kind = kind_of(step)
            if kind not in TEXT_KEYS:
                continue
            key, _kind = TEXT_KEYS[kind]
            variants = step["variants"].items()
            if step[key].exists and variants:
                message = f"has both {key!r} and 'variants'"
                hint = f"make {key!r} one of the variants"
                yield Finding(step["variants"].loc, message, hint, at_key=True)
            if kind != "invite" and not step[key].exists and not variants:
                yield Finding(step["type"].loc, f"this {kind} says nothing", f"give it a {key!r}")
            names = [variant["name"] for variant in variants]
            yield from repeated(names, "the variant", "who got which is told by its name")
            for variant in variants:
                if kind != "inmail" and variant["subject"].exists:
                    hint = "only an inmail has a subject"
                    yield Finding(variant["subject"].loc, f"this is a {kind}", hint)


def templates(graph: Graph) -> Iterator[Finding]:
    """Report texts that cannot be read, or would be refused whatever is put into them."""
    for node in graph.of_type("linkedin_step"):
        columns = [str(view.text) for view in node["lead"]["columns"].texts()]
        tiers = _tiers(node)
        links = node["links_in_note"].data is True
        for step in steps_of(node):
            _key, kind = TEXT_KEYS.get(kind_of(step) or "", ("", None))
            if kind is None:
                continue
            for view in texts_of(step):
                yield from _template(view, kind, columns, tiers, links=links or kind != "note")
            for part in (step, *step["variants"].items()):
                if kind == "inmail" and part["subject"].text is not None:
                    yield from _template(part["subject"], "subject", columns, tiers, links=True)


def _tiers(node: View) -> dict[str, str]:
    """Return the name of an account of each tier; of an unknown one none."""
    accounts = node["accounts"].items()
    return {
        account["tier"].text or "free": str(account["name"].text) for account in reversed(accounts)
    }


def _template(
    view: View, kind: TextKind, columns: list[str], tiers: dict[str, str], *, links: bool
) -> Iterator[Finding]:
    try:
        template = tokens.parse(str(view.text), columns)
    except tokens.UnknownTokenError as error:
        hint = suggestion(error.word, error.known, "tokens")
        yield Finding(view.loc, f"there is no token {error.word!r}", hint)
        return
    except TemplateError as error:
        yield Finding(view.loc, f"the text is wrong: {error}", "tokens: {{first_name|there}}")
        return
    fixed = [part for part in template.parts if isinstance(part, str)]
    has = render.length("".join(fixed))
    for tier, account in tiers.items():
        most = render.longest(kind, tier)
        if has > most:
            message = f"has {has:,} characters before any token is filled"
            hint = f"{kind}s of {account!r} (tier {tier}) may have {most:,}"
            yield Finding(view.loc, message, hint)
            break
    faults = render.check_text(kind, " ".join(fixed), "recruiter", links_allowed=links)
    for fault in faults:
        if fault.fault in {"link", "printed_nothing", "unreadable"}:
            hint = "allow them with links_in_note: true" if fault.fault == "link" else ""
            yield Finding(view.loc, fault.reason, hint)


RULES = (sources, templates)
