"""The Consent API: whose consent is asked for, and where it stands.

Paths, parameters and words: "Consent" in the REST API guide. Where it gives no form (an Id that
cannot be looked up, aggregated answers), the sandbox chose one; docs/reference/sandbox.md says
which.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.consent_rules import (
    ACTIONS,
    NOT_FOUND,
    SUCCESS,
    Action,
    Question,
    Subject,
    answer,
)
from syncflow_dagster.sandbox.salesforce.errors import ApiError
from syncflow_dagster.sandbox.salesforce.ids import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.sandbox.salesforce.org import Org, Record
    from syncflow_dagster.sandbox.salesforce.users import Viewer

URI_LIMIT = 16_000
_PEOPLE = ("Contact", "Lead", "User")


class UnknownPersonError(Exception):
    """Somebody cannot be looked up; the text is Salesforce's code."""


class Directory:
    """Everybody in the org, by Individual and by address, at one moment."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._people: dict[str, list[tuple[str, Record]]] = defaultdict(list)
        self._by_email: dict[str, list[tuple[str, Record]]] = defaultdict(list)
        self._consents: dict[str, list[Record]] = defaultdict(list)
        for name in _PEOPLE:
            for record in org.visible(name):
                # Converted leads are left out of every comparison.
                if record.get("IsConverted"):
                    continue
                self._people[record.get("IndividualId") or ""].append((name, record))
                self._by_email[(record.get("Email") or "").casefold()].append((name, record))
        for record in org.visible("ContactPointTypeConsent"):
            self._consents[record.get("PartyId") or ""].append(record)
        self._purposes = {one["Id"]: one["Name"] for one in org.visible("DataUsePurpose")}

    def subject(self, given: str) -> Subject:
        """All places where the consent of an Id's or address's owner stands.

        Raises:
            UnknownPersonError: There is nobody, or nobody who may be asked for.
        """
        if "@" in given:
            return self._of_address(given.casefold())
        record_id = normalise(given)
        definition = None if record_id is None else self._org.schema.of_id(record_id)
        if record_id is None or definition is None:
            raise UnknownPersonError("INVALID_ID")
        if definition.name not in (*_PEOPLE, "Individual"):
            raise UnknownPersonError("INVALID_ID")
        record = self._org.get(definition.name, record_id)
        if record is None:
            raise UnknownPersonError(NOT_FOUND)
        if record.get("IsConverted"):
            raise UnknownPersonError("CONVERTED_LEAD_IS_INVALID")
        if definition.name == "Individual":
            return self._around([], {record_id}, None)
        email = (record.get("Email") or "").casefold()
        of_person = {record["IndividualId"]} if record.get("IndividualId") else set()
        return self._around([(definition.name, record)], of_person, email)

    def _of_address(self, email: str) -> Subject:
        found = self._by_email.get(email, [])
        if not found:
            raise UnknownPersonError(NOT_FOUND)
        individuals = {one["IndividualId"] for _, one in found if one.get("IndividualId")}
        return self._around(found, individuals, email)

    def _around(
        self, people: list[tuple[str, Record]], individuals: set[str], email: str | None
    ) -> Subject:
        """Those named, and everybody who belongs to the same Individuals."""
        known = {one["Id"] for _, one in people}
        order = sorted(individuals)
        others = [
            one for party in order for one in self._people[party] if one[1]["Id"] not in known
        ]
        found = [self._org.get("Individual", party) for party in order]
        return Subject(
            people=[*people, *others],
            individuals=[one for one in found if one is not None],
            consents=[one for party in order for one in self._consents[party]],
            purposes=self._purposes,
            email=email,
        )


def consent(
    org: Org, viewer: Viewer, actions: str | None, parameters: Mapping[str, str], uri_length: int
) -> dict[str, Any]:
    """Answer `/consent/action/{action}` and `/consent/multiaction`.

    Args:
        org: Whose people are asked for.
        viewer: Who asks; the flags themselves are read whatever field-level security says.
        actions: Names of actions, separated by commas.
        parameters: The query string's.
        uri_length: Characters of the whole URI.

    Raises:
        ApiError: The request as a whole is refused.
    """
    if uri_length > URI_LIMIT:
        text = f"The URI is too long: {uri_length} characters, the maximum is {URI_LIMIT}"
        raise ApiError(414, "URI_TOO_LONG", text)
    if not org.settings.privacy_enabled:
        raise ApiError(403, "FUNCTIONALITY_NOT_ENABLED", "Consent API is not enabled for this org")
    if not viewer.reads_privacy:
        text = "This feature is not currently enabled for this user."
        raise ApiError(403, "FUNCTIONALITY_NOT_ENABLED", text)
    wanted = _actions(actions)
    question = _question(org, parameters)
    verbose = _flag(parameters, "verbose")
    directory = Directory(org)
    answers: dict[str, Any] = {}
    for given in _listed(parameters.get("ids"), "ids"):
        try:
            subject = directory.subject(given)
        except UnknownPersonError as error:
            answers[given] = {"result": str(error)}
        else:
            answers[given] = answer(subject, wanted, question, verbose=verbose)
    if _flag(parameters, "aggregatedConsent"):
        return {"aggregatedConsent": _aggregated(answers, wanted)}
    return answers


def _aggregated(answers: Mapping[str, Any], wanted: list[Action]) -> dict[str, Any]:
    """One answer for all: anybody's no, and anybody unknown, is a no."""
    proceed: dict[str, str] = {}
    for action in wanted:
        said = [one.get("proceed", {}).get(action.name) for one in answers.values()]
        proceed[action.name] = "true" if set(said) == {"true"} else "false"
        proceed[action.result] = SUCCESS
    return {"result": SUCCESS, "proceed": proceed}


def _actions(text: str | None) -> list[Action]:
    names = _listed(text, "actions")
    unknown = [name for name in names if name.lower() not in ACTIONS]
    if unknown:
        message = f"The action {unknown[0]} is not valid. Known: {', '.join(ACTIONS)}"
        raise ApiError(400, "INVALID_ACTION", message)
    return [ACTIONS[name.lower()] for name in names]


def _question(org: Org, parameters: Mapping[str, str]) -> Question:
    at = org.world.clock.wall()
    if text := parameters.get("datetime"):
        try:
            read = datetime.fromisoformat(text)
        except ValueError as error:
            message = f"datetime: not a valid date-time: {text}"
            raise ApiError(400, "INVALID_ARGUMENT", message) from error
        at = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    explicit = parameters.get("policy", "").lower() == "requireexplicitconsent"
    return Question(at, parameters.get("purpose") or None, explicit)


def _listed(text: str | None, name: str) -> list[str]:
    found = [one.strip() for one in (text or "").split(",") if one.strip()]
    if not found:
        message = f"The {name} parameter is required"
        raise ApiError(400, "MISSING_ARGUMENT", message)
    return list(dict.fromkeys(found))


def _flag(parameters: Mapping[str, str], name: str) -> bool:
    """Whether a switch is on; its bare name means true."""
    return name in parameters and parameters[name].lower() in ("", "true")
