"""The policy file: for what, on which basis and with whose leave records of persons are written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from syncflow_dagster.core.consent.evidence import PurposeRules, SubjectRules
from syncflow_dagster.core.consent.protected import is_protected
from syncflow_dagster.workflows.models.common import Model, Slug, Text

#: API name of an object or a field at Salesforce.
ApiName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
#: Actions of the Consent API that a write can need leave for; the rest of them are requests of the
#: person (`shouldForget`) or about other things.
Action = Literal["process", "profile", "solicit", "email", "phone", "fax", "track", "geotrack"]
ConsentObject = Literal["ContactPointTypeConsent", "ContactPointConsent"]
_ASK: tuple[Action, ...] = ("process", "profile")
_CONSENTS: tuple[ConsentObject, ...] = ("ContactPointTypeConsent", "ContactPointConsent")
#: Fields of Contact and Lead that refuse when they are true.
_OPT_OUTS: Mapping[str, bool | str] = {"HasOptedOutOfEmail": False, "DoNotCall": False}
#: Objects whose records are always persons'.
ALWAYS_PERSONS = frozenset({"contact", "lead", "individual", "user"})


class Purpose(Model):
    """What tags are written for."""

    description: Text = Field(description="What is done and why, in a sentence for people.")
    lawful_basis: Literal[
        "consent",
        "contract",
        "legal_obligation",
        "vital_interests",
        "public_task",
        "legitimate_interests",
    ] = Field(description="Basis of Article 6(1) GDPR. With `consent`, silence is a refusal.")
    lia_ref: Text | None = Field(
        None,
        description="Where the assessment of legitimate interests is kept; needed for that basis.",
    )
    ask: list[Action] = Field(
        default_factory=lambda: list(_ASK),
        min_length=1,
        description="Actions Salesforce's Consent API is asked about. All must be allowed.",
    )
    data_use_purpose: Text | None = Field(
        None,
        description="Name of the org's DataUsePurpose; consents given for another do not count.",
    )


class Subject(Model):
    """Whose records may be tagged, and where their consent is read."""

    person: bool = Field(
        True, description="Whether the records are persons'. Contact, Lead and User always are."
    )
    consent_fields: dict[ApiName, bool | str] = Field(
        default_factory=lambda: dict(_OPT_OUTS),
        description="Fields of the record and the value each must have.",
    )
    individual_field: ApiName = Field(
        "IndividualId", description="Field with the id of the person's Individual."
    )
    individual: Literal["required", "if_linked"] = Field(
        "required", description="Whether a record without an Individual is refused."
    )
    individual_flags: list[ApiName] = Field(
        default_factory=lambda: [
            "HasOptedOutProcessing",
            "HasOptedOutProfiling",
            "HasOptedOutSolicit",
            "HasOptedOutTracking",
            "HasOptedOutGeoTracking",
            "ShouldForget",
        ],
        description="Fields of the Individual that must be false.",
    )
    consents: list[ConsentObject] = Field(
        default_factory=lambda: list(_CONSENTS),
        description="Objects whose consents are read.",
    )
    email_fields: list[ApiName] = Field(
        default_factory=lambda: ["Email"],
        description="Fields whose addresses are looked up in the suppression list.",
    )
    phone_fields: list[ApiName] = Field(
        default_factory=lambda: ["Phone", "MobilePhone"],
        description="Fields whose numbers are looked up there.",
    )

    def rules(self, object_name: str) -> SubjectRules:
        """Return how consent is read for the records of an object.

        What is asked of persons by default is asked of other records only where the file says so.
        """
        asked = {name for name in type(self).model_fields if self.person}
        asked |= self.model_fields_set
        return SubjectRules(
            object_name,
            person=self.person,
            fields=dict(self.consent_fields) if "consent_fields" in asked else {},
            individual_field=self.individual_field,
            individual_required=self.individual == "required",
            flags=tuple(self.individual_flags),
            consents=tuple(self.consents),
            emails=tuple(self.email_fields) if "email_fields" in asked else (),
            phones=tuple(self.phone_fields) if "phone_fields" in asked else (),
        )


class Approval(Model):
    """Who may let a plan be applied, and how large it may be."""

    approvers: list[Text] = Field(
        default_factory=list, description="Names of those who may approve a plan."
    )
    auto_up_to: int = Field(
        0, ge=0, description="Plans of so many lines need nobody; 0: each needs somebody."
    )
    max_changes: int = Field(1_000, ge=1, description="Lines a plan may have at most.")
    max_share: float = Field(
        0.2, gt=0, le=1, description="Share of the source's records a plan may change at most."
    )
    four_eyes: bool = Field(True, description="Whether who planned may not be who approves.")


class Policy(Model):
    """A policy: nothing that it does not name may be written."""

    policy: Slug = Field(description="Name of the policy.")
    version: int = Field(ge=1, description="Number, raised with every change of meaning.")
    owner: Text = Field(description="Who answers for it.")
    purposes: dict[Slug, Purpose] = Field(min_length=1, description="What may be done, by name.")
    subjects: dict[ApiName, Subject] = Field(
        min_length=1, description="Objects whose records may be tagged, by API name."
    )
    writes: dict[ApiName, list[ApiName]] = Field(
        min_length=1,
        description="Fields that may be written, by object; objects of memberships and "
        "assignments too.",
    )
    suppression_lists: list[Slug] = Field(
        default_factory=list,
        description="Suppression lists that count beside `do_not_contact`, which always does.",
    )
    unknown: Literal["block", "review"] = Field(
        "block", description="What becomes of a record about which something cannot be read."
    )
    decision_days: int = Field(
        1_095, ge=1, description="Days for which decisions are kept as proof."
    )
    approval: Approval = Field(
        default_factory=Approval, description="Who may approve, and how much."
    )

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what the policy says, in hex: the same however the file is laid out."""
        plain = json.dumps(_ordered(self.model_dump(mode="json")), sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()

    def purpose_rules(self, name: str) -> PurposeRules | None:
        """Return what a purpose asks for; None if the policy has no such purpose."""
        purpose = self.purposes.get(name)
        if purpose is None:
            return None
        return PurposeRules(
            name, tuple(purpose.ask), purpose.lawful_basis == "consent", purpose.data_use_purpose
        )

    def subject_rules(self, object_name: str) -> SubjectRules | None:
        """Return how consent is read for an object's records; None if they may not be tagged."""
        for name, subject in self.subjects.items():
            if name.lower() == object_name.lower():
                return subject.rules(name)
        return None

    def may_write(self, object_name: str, field: str) -> bool:
        """Whether the policy allows to write a field of an object, names in any case.

        What says what a person wants is never written, whatever the file says.
        """
        return not is_protected(object_name, field) and any(
            field.lower() in {one.lower() for one in fields}
            for name, fields in self.writes.items()
            if name.lower() == object_name.lower()
        )


def _ordered(value: Any) -> Any:
    """Return plain data with its lists in order: none of a policy's lists has one of its own."""
    if isinstance(value, dict):
        return {key: _ordered(part) for key, part in value.items()}
    if isinstance(value, list):
        return sorted((_ordered(part) for part in value), key=json.dumps)
    return value
