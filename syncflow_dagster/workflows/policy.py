"""Policy files into validated policies, or into every mistake they hold."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from syncflow_dagster.core.consent.protected import is_opt_out, is_protected
from syncflow_dagster.workflows import messages
from syncflow_dagster.workflows.environment import Environment
from syncflow_dagster.workflows.models.policy import ALWAYS_PERSONS, Policy
from syncflow_dagster.workflows.problems import BrokenFile, Finding, Problem, dotted
from syncflow_dagster.workflows.reading import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncflow_dagster.workflows.document import Document


def load_policy(path: Path, environ: Mapping[str, str] | None = None) -> Policy | BrokenFile:
    """Read one policy file.

    Args:
        path: The YAML file.
        environ: Variables for `${NAME}`; the process's own if left out.

    Returns:
        The policy, or every mistake of the file. Nothing a file holds raises.
    """
    path = Path(path)
    environment = Environment(os.environ if environ is None else environ)
    parsed = read_document(path, environment, "policy")
    return parsed if isinstance(parsed, BrokenFile) else _validated(parsed, path)


def _validated(parsed: Document, path: Path) -> Policy | BrokenFile:
    findings = list(parsed.findings)
    policy = None
    try:
        policy = Policy.model_validate(parsed.data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        findings += messages.findings(details, parsed, Policy)
    else:
        findings += _rules(policy)
    found = dict.fromkeys(one for one in findings if one.loc not in parsed.unresolved)
    found |= dict.fromkeys(parsed.findings)
    if policy is not None and not found:
        return policy
    problems = [_problem(one, parsed, path) for one in found]
    problems.sort(key=lambda problem: (problem.line, problem.column, problem.message))
    return BrokenFile(path, tuple(problems), path.stem)


def _problem(one: Finding, parsed: Document, path: Path) -> Problem:
    place = parsed.place(one.loc, at_key=one.at_key)
    where = dotted(one.loc) if one.loc else "policy"
    return Problem(path, place.line, place.column, where, one.message, one.hint)


def _rules(policy: Policy) -> Iterator[Finding]:
    """Find what contradicts itself, or would let through what a policy is there to stop."""
    yield from _purposes(policy)
    for name, subject in policy.subjects.items():
        if not subject.person and name.lower() in ALWAYS_PERSONS:
            hint = "remove 'person: false'; consent is always asked for them"
            yield Finding(("subjects", name, "person"), f"records of {name} are persons'", hint)
        for field, wanted in subject.consent_fields.items():
            if wanted is True and is_opt_out(field):
                message = f"{field} refuses when it is true, and would have to be true"
                yield Finding(("subjects", name, "consent_fields", field), message, "false")
    yield from _writes(policy)
    yield from _approval(policy)


def _purposes(policy: Policy) -> Iterator[Finding]:
    read = any(subject.consents for subject in policy.subjects.values() if subject.person)
    for name, purpose in policy.purposes.items():
        if purpose.lawful_basis == "legitimate_interests" and purpose.lia_ref is None:
            message = "legitimate interests need their assessment: 'lia_ref' is missing"
            hint = "say where it is kept, or choose another basis"
            yield Finding(("purposes", name, "lawful_basis"), message, hint)
        if purpose.lawful_basis == "consent" and not read:
            message = "its basis is consent, but no subject has 'consents' to read it from"
            hint = "name ContactPointTypeConsent or ContactPointConsent there"
            yield Finding(("purposes", name, "lawful_basis"), message, hint)


def _writes(policy: Policy) -> Iterator[Finding]:
    asked: set[str] = set()
    for subject in policy.subjects.values():
        names = (*subject.consent_fields, *subject.individual_flags, subject.individual_field)
        asked |= {name.lower() for name in names}
    for name, fields in policy.writes.items():
        for index, field in enumerate(fields):
            if field.lower() in asked or is_protected(name, field):
                message = f"{name}.{field} says what the person wants: it is read, never written"
                yield Finding(("writes", name, index), message, "remove it")


def _approval(policy: Policy) -> Iterator[Finding]:
    approval = policy.approval
    if not approval.approvers and not approval.auto_up_to:
        message = "nobody may approve a plan, and no plan goes without approval"
        hint = "name 'approvers', or let small plans pass with 'auto_up_to'"
        yield Finding(("approval",), message, hint)
    if approval.auto_up_to > approval.max_changes:
        message = f"is more than max_changes ({approval.max_changes:,}), which no plan may exceed"
        yield Finding(("approval", "auto_up_to"), message, "lower it")
