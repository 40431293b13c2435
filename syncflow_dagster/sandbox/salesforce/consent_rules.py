"""What the Consent API makes of consent that stands in several places.

The table of actions, the fields each one consults, and what counts as "no" are those of "Compile
Consent Settings" in the REST API guide; the least permissive place wins. ContactPointConsent is
not among the objects that the API reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from syncflow_dagster.sandbox.salesforce.store import Record

SUCCESS = "Success"
NOT_FOUND = "INFO_NOT_FOUND"


@dataclass(frozen=True)
class Action:
    """One thing that may be done with a person's data.

    Attributes:
        name: Its name in answers.
        result: The key that says whether the answer could be made.
        person: The field of contacts and leads that forbids it.
        channel: The `ContactPointType` whose consents are consulted.
        individual: The field of the Individual that is consulted.
        grants: Whether that field allows instead of forbidding.
    """

    name: str
    result: str
    person: str | None = None
    channel: str | None = None
    individual: str | None = None
    grants: bool = False


ACTIONS: Mapping[str, Action] = {
    one.name: one
    for one in (
        Action("email", "emailResult", person="HasOptedOutOfEmail", channel="Email"),
        Action("fax", "faxResult", person="HasOptedOutOfFax"),
        Action("geotrack", "geotrackResult", individual="HasOptedOutGeoTracking"),
        Action("mail", "mailingResult", channel="MailingAddress"),
        Action("phone", "phoneResult", person="DoNotCall", channel="Phone"),
        Action("portability", "portabilityResult", individual="SendIndividualData", grants=True),
        Action("process", "processResult", individual="HasOptedOutProcessing"),
        Action("profile", "profileResult", individual="HasOptedOutProfiling"),
        Action("shouldforget", "shouldForgetResult", individual="ShouldForget", grants=True),
        Action("social", "socialResult", channel="Social"),
        Action("solicit", "solicitResult", individual="HasOptedOutSolicit"),
        Action(
            "storepiielsewhere",
            "storePIIElsewhereResult",
            individual="CanStorePiiElsewhere",
            grants=True,
        ),
        Action("track", "trackResult", individual="HasOptedOutTracking"),
        Action("web", "webResult", channel="Web"),
    )
}


@dataclass(frozen=True)
class Question:
    """What is asked about somebody.

    Attributes:
        at: The moment for which consent is wanted.
        purpose: Name of the DataUsePurpose; without one, consents for any purpose count.
        explicit: Whether only consent that was given expressly counts (`requireExplicitConsent`).
    """

    at: datetime
    purpose: str | None = None
    explicit: bool = False


@dataclass
class Subject:
    """All places where somebody's consent stands.

    Attributes:
        people: Contacts and leads, each with its object's name.
        individuals: The Individuals they belong to.
        consents: ContactPointTypeConsents of these.
        purposes: Names of DataUsePurposes by Id.
        email: Only people with this address count for the action `email`; None is all of them.
    """

    people: list[tuple[str, Record]] = field(default_factory=list)
    individuals: list[Record] = field(default_factory=list)
    consents: list[Record] = field(default_factory=list)
    purposes: Mapping[str, str] = field(default_factory=dict)
    email: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The answer about one action.

    Attributes:
        proceed: Whether it may be done.
        result: `Success`, or why nothing could be looked up; it may then not be done.
        explanation: What was consulted, in the form of a verbose answer.
    """

    proceed: bool
    result: str
    explanation: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class _Consulted:
    """One value that was looked at: whether it allows, and how a verbose answer shows it."""

    allows: bool
    shown: dict[str, str]


def judge(subject: Subject, action: Action, question: Question) -> Verdict:
    """Aggregate what all places say about one action."""
    if action.individual is not None:
        found = list(_of_individuals(subject, action, action.individual))
    else:
        consents = list(_of_consents(subject, action, question))
        if question.explicit and action.channel is not None and not consents:
            return Verdict(proceed=False, result=NOT_FOUND)
        found = [*_of_people(subject, action), *consents]
    if not found:
        return Verdict(proceed=False, result=NOT_FOUND)
    # To forget somebody is asked for by one "yes"; everything else needs all of them.
    ask = any if action.name == "shouldforget" else all
    proceed = ask(one.allows for one in found)
    return Verdict(proceed, SUCCESS, tuple(one.shown for one in found))


def _of_people(subject: Subject, action: Action) -> Iterator[_Consulted]:
    for object_name, record in subject.people:
        address = (record.get("Email") or "").casefold()
        if action.name == "email" and subject.email is not None and address != subject.email:
            continue
        # A channel without a field of its own only needs somebody to be there.
        out = bool(action.person and record.get(action.person))
        shown = action.person or "Id"
        yield _Consulted(not out, _shown(object_name, shown, record["Id"], out))


def _of_consents(subject: Subject, action: Action, question: Question) -> Iterator[_Consulted]:
    for record in subject.consents:
        if record.get("ContactPointType") != action.channel or not _in_time(record, question.at):
            continue
        purpose = subject.purposes.get(record.get("DataUsePurposeId") or "", "")
        if question.purpose is not None and purpose != question.purpose:
            continue
        status = record.get("PrivacyConsentStatus")
        if status not in ("OptIn", "OptOut"):
            continue
        allows = status == "OptIn"
        shown = {
            "objectConsulted": "ContactPointTypeConsent",
            "status": "opt_in" if allows else "opt_out",
            "purpose": purpose,
            "recordId": record["Id"],
            "value": _word(allows),
        }
        yield _Consulted(allows, shown)


def _of_individuals(subject: Subject, action: Action, name: str) -> Iterator[_Consulted]:
    for record in subject.individuals:
        value = bool(record.get(name))
        shown = _shown("Individual", name, record["Id"], value)
        yield _Consulted(value if action.grants else not value, shown)


def _in_time(record: Record, at: datetime) -> bool:
    begins, ends = record.get("EffectiveFrom"), record.get("EffectiveTo")
    return (begins is None or begins <= at) and (ends is None or at < ends)


def _shown(object_name: str, name: str, record_id: Any, value: bool) -> dict[str, str]:
    return {
        "objectConsulted": object_name,
        "field": name,
        "recordId": record_id,
        "value": _word(value),
    }


def _word(value: bool) -> str:
    return "true" if value else "false"


def answer(
    subject: Subject, actions: list[Action], question: Question, *, verbose: bool
) -> dict[str, Any]:
    """What the API answers about one Id or address."""
    proceed: dict[str, str] = {}
    explanation: list[dict[str, str]] = []
    for action in actions:
        verdict = judge(subject, action, question)
        proceed[action.name] = _word(verdict.proceed)
        proceed[action.result] = verdict.result
        explanation.extend(verdict.explanation)
    shown: dict[str, Any] = {"result": SUCCESS, "proceed": proceed}
    return shown | ({"explanation": explanation} if verbose else {})
