"""Which questions of a policy nobody can answer: before every record is refused for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.soql.paths import near
from syncflow_dagster.core.soql.tree import Mistake
from syncflow_dagster.nodes.compliance.salesforce_evidence import readings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.core.consent.evidence import SubjectRules
    from syncflow_dagster.core.soql.schema import Schema
    from syncflow_dagster.core.soql.tree import Loc
    from syncflow_dagster.workflows.models.policy import Policy


def unreadable(policy: Policy, object_name: str, schema: Schema, loc: Loc) -> Iterator[Mistake]:
    """Return a warning for each object or field the policy asks for that the user cannot see.

    And for each sort of question it does not ask of persons at all.

    Args:
        policy: The policy.
        object_name: API name of the object whose records are written about.
        schema: The org's objects as the connected user sees them.
        loc: Where the workflow file names the policy.

    Raises:
        SourceError: The org does not describe itself.
    """
    subject = policy.subject_rules(object_name)
    if subject is None:
        return
    if subject.person:
        yield from _emptied(policy, subject, loc)
    result = f"policy {policy.policy}: every record of {subject.object} would be refused"
    for owner, fields in readings(subject).items():
        described = schema.object(owner)
        if described is None:
            message = f"{result}, as the user cannot see {owner}"
            yield Mistake(loc, "unreadable", message, "give it the right to read it", warning=True)
            continue
        for name in fields:
            if described.field(name) is None:
                message = f"{result}, as the user cannot see {owner}.{name}"
                hint = near(name, [one.name for one in described.fields])
                hint = hint or "give it the right to read it, or take it out of the policy"
                yield Mistake(loc, "unreadable", message, hint, warning=True)


def _emptied(policy: Policy, subject: SubjectRules, loc: Loc) -> Iterator[Mistake]:
    asked = {
        "consent_fields": subject.fields,
        "individual_flags": subject.flags,
        "consents": subject.consents,
        "email_fields": subject.emails,
        "phone_fields": subject.phones,
    }
    for name in (key for key, values in asked.items() if not values):
        message = f"policy {policy.policy}: {subject.object} has no {name}: none is asked for"
        hint = "leave the key out for the usual ones, unless that is meant"
        yield Mistake(loc, "unasked", message, hint, warning=True)
