"""What is asked about a record before it may be written, and what was found, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

#: Objects of Salesforce that hold consents given or refused for a channel.
CONSENT_OBJECTS = ("ContactPointTypeConsent", "ContactPointConsent")

#: Field of an Account that says it is a person, in orgs that have such.
PERSON_ACCOUNT = "IsPersonAccount"


class Permission(StrEnum):
    """What the Consent API says of one action of one record."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class PurposeRules:
    """What a purpose asks for.

    Attributes:
        name: Its name in the policy.
        actions: Actions the Consent API is asked about, such as `process` and `profile`.
        needs_consent: Whether its lawful basis is consent: silence is then no consent.
        data_use_purpose: Name of the org's DataUsePurpose. Only a consent for exactly this one
            counts; a refusal counts if it is for this one or for none. None: only a consent without
            a purpose counts, and any refusal.
    """

    name: str
    actions: tuple[str, ...]
    needs_consent: bool = False
    data_use_purpose: str | None = None


@dataclass(frozen=True, slots=True)
class SubjectRules:
    """How consent is read for the records of one object.

    Attributes:
        object: API name of the object.
        person: Whether its records are persons'; else only the lists and `fields` are asked.
        fields: Fields of the record that must hold exactly this value.
        individual_field: Field with the id of the person's Individual.
        individual_required: Whether a record without an Individual is refused.
        flags: Fields of the Individual that must be false.
        consents: Objects whose consents are read, of `CONSENT_OBJECTS`.
        emails: Fields with e-mail addresses, looked up in the suppression list.
        phones: Fields with phone numbers, looked up there too.
    """

    object: str
    person: bool = True
    fields: Mapping[str, bool | str] = field(default_factory=dict)
    individual_field: str = "IndividualId"
    individual_required: bool = True
    flags: tuple[str, ...] = ()
    consents: tuple[str, ...] = CONSENT_OBJECTS
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One consent of a person, as the org keeps it.

    Attributes:
        status: `OptIn`, `OptOut`, `Seen` or `NotSeen`; None where it could not be read.
        channel: `Email`, `Phone` and so on; None where it is for all or unknown.
        purpose: Name of its DataUsePurpose; None where it has none.
        effective_from: First moment it holds; None: from ever.
        effective_to: Moment from which it holds no longer; None: for ever.
    """

    status: str | None
    channel: str | None = None
    purpose: str | None = None
    effective_from: datetime | None = None
    effective_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordEvidence:
    """What a service says of one record, read at the instant of sending.

    Attributes:
        read_at: When it was read, aware.
        actions: What the Consent API says, by action; an action without an entry was not answered.
        fields: The record's readable fields with their values, by API name as the policy has it;
            one without an entry is hidden or missing. None: there is no such record.
        individual: The same of its Individual; None where none is linked or it was not found.
        consents: Consents of the person by object; None for an object that could not be read.
        emails: Further addresses of the person, beside those in `fields`.
        phones: Further numbers.
        records: Ids of records that were merged into this one, or that it was made of; None where
            the service has some and they could not be read.
    """

    read_at: datetime
    actions: Mapping[str, Permission] = field(default_factory=dict)
    fields: Mapping[str, object] | None = None
    individual: Mapping[str, object] | None = None
    consents: Mapping[str, Sequence[ConsentRecord] | None] = field(default_factory=dict)
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    records: tuple[str, ...] | None = ()
