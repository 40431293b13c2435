"""The objects of Salesforce's consent management.

The values of `PrivacyConsentStatus` are those of the Object Reference: NotSeen, Seen, OptIn,
OptOut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.objects.build import flag, moment, pick, ref, sobject, text

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.schema import FieldDef

_STATUS = ("NotSeen", "Seen", "OptIn", "OptOut")
_CHANNELS = ("Email", "Phone", "MailingAddress", "Social", "Web")


def _given() -> list[FieldDef]:
    """What every consent says: how it stands, from when to when, how it was given."""
    return [
        pick("PrivacyConsentStatus", *_STATUS, nillable=False, restricted=True),
        moment("EffectiveFrom"),
        moment("EffectiveTo"),
        moment("CaptureDate"),
        pick("CaptureContactPointType", *_CHANNELS),
        text("CaptureSource", 255),
        moment("DoubleConsentCaptureDate"),
        ref("DataUsePurposeId", "DataUsePurpose"),
    ]


CONSENT_OBJECTS = (
    sobject(
        "DataUsePurpose",
        "0ZW",
        text("Name", nillable=False),
        text("Description", 255),
        flag("CanDataSubjectOptOut"),
        ref("OwnerId", "User"),
    ),
    sobject(
        "ContactPointTypeConsent",
        "0ZX",
        text("Name", nillable=False),
        ref("PartyId", "Individual", relationship="Party", nillable=False),
        pick("ContactPointType", *_CHANNELS, nillable=False, restricted=True),
        _given(),
        ref("OwnerId", "User"),
    ),
    sobject(
        "ContactPointEmail",
        "9Vl",
        text("Name", 255, createable=False, updateable=False),
        text("EmailAddress", 255, "email", nillable=False),
        ref("ParentId", "Individual", "Account", relationship="Parent"),
        flag("IsPrimary"),
        moment("ActiveFromDate", "date"),
        moment("ActiveToDate", "date"),
        ref("OwnerId", "User"),
    ),
    sobject(
        "ContactPointPhone",
        "0Ow",
        text("Name", 255, createable=False, updateable=False),
        text("TelephoneNumber", 40, "phone", nillable=False),
        ref("ParentId", "Individual", "Account", relationship="Parent"),
        flag("IsPrimary"),
        ref("OwnerId", "User"),
    ),
    sobject(
        "ContactPointConsent",
        "0Zb",
        text("Name", nillable=False),
        ref("ContactPointId", "ContactPointEmail", "ContactPointPhone", nillable=False),
        _given(),
        ref("OwnerId", "User"),
    ),
)
