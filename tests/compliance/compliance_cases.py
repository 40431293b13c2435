"""A policy, a service that says what it is told, and identifiers, for the tests of the gate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from syncflow_dagster.core.consent.evidence import ConsentRecord, Permission, RecordEvidence
from syncflow_dagster.core.consent.identifiers import Kind, PrivacyKey
from syncflow_dagster.nodes.compliance.lists import Identifier
from syncflow_dagster.workflows.models.policy import Policy

SECRET = "0123456789abcdef0123456789abcdef"
KEY = PrivacyKey(SECRET)
ANN, BOB, CID = "003000000000001AAA", "003000000000002AAA", "003000000000003AAA"


def policy(**changes):
    """A policy with two purposes for contacts."""
    plain = {
        "policy": "champions",
        "version": 3,
        "owner": "Privacy team",
        "purposes": {
            "tracking": {
                "description": "Know where our contacts work",
                "lawful_basis": "legitimate_interests",
                "lia_ref": "LIA-7",
            },
            "news": {"description": "Send news", "lawful_basis": "consent", "ask": ["email"]},
        },
        "subjects": {"Contact": {}},
        "writes": {"Contact": ["Champion_Status__c"]},
    }
    return Policy.model_validate({**plain, **changes})


def email(value):
    return Identifier(Kind.EMAIL, value)


def phone(value):
    return Identifier(Kind.PHONE, value)


def record(value):
    return Identifier(Kind.RECORD, value)


@dataclass
class Service:
    """Says the best of everybody, but for what a test has set.

    Attributes:
        says: Evidence by record id.
        asked: The ids of every request.
        fails: Raised instead of an answer.
        meanwhile: Called while it is asked.
    """

    clock: object
    says: dict[str, RecordEvidence] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    fails: Exception | None = None
    meanwhile: object = None

    def gather(self, subject, purposes, record_ids):
        if self.fails is not None:
            raise self.fails
        self.asked.append(list(record_ids))
        if self.meanwhile is not None:
            self.meanwhile()
        now = self.clock.now()
        return {
            one: replace(self.says.get(one, self.good(subject)), read_at=now) for one in record_ids
        }

    def good(self, subject, **fields):
        """Evidence of somebody whom everything permits."""
        known = dict.fromkeys((*subject.emails, *subject.phones))
        return RecordEvidence(
            self.clock.now(),
            actions=dict.fromkeys(("process", "profile", "email"), Permission.ALLOWED),
            fields={**subject.fields, **known, "IndividualId": "0PK000000000001AAA", **fields},
            individual=dict.fromkeys(subject.flags, False),
            consents={
                "ContactPointTypeConsent": [ConsentRecord("OptIn", "Email")],
                "ContactPointConsent": [],
            },
        )
