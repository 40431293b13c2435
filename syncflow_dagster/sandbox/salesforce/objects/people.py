"""Accounts, contacts, leads, users and individuals.

Names, types and lengths are those of the Object Reference; which of an object's many fields are
there is a choice.
"""

from __future__ import annotations

from dataclasses import replace

from syncflow_dagster.sandbox.salesforce.objects.build import (
    address,
    flag,
    moment,
    number,
    person_name,
    pick,
    ref,
    sobject,
    text,
)

_INDUSTRIES = ("Banking", "Consulting", "Education", "Energy", "Manufacturing", "Technology")
_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
_TAGS = ("champion", "moved", "decision_maker", "power_user", "at_risk", "newsletter")

_ACCOUNT = sobject(
    "Account",
    "001",
    text("Name", nillable=False),
    pick("Type", "Prospect", "Customer - Direct", "Customer - Channel", "Partner", "Other"),
    ref("RecordTypeId", "RecordType"),
    ref("ParentId", "Account"),
    address("BillingAddress"),
    text("Phone", 40, "phone"),
    text("AccountNumber", 40),
    text("Website", 255, "url"),
    pick("Industry", *_INDUSTRIES),
    number("AnnualRevenue", "currency", 18, 0),
    number("NumberOfEmployees", "int", 8, 0),
    text("Description", 32_000, "textarea"),
    ref("OwnerId", "User"),
    text("External_Id__c", 64, external_id=True, unique=True),
    mergeable=True,
)

_CONTACT = sobject(
    "Contact",
    "003",
    ref("AccountId", "Account"),
    person_name(),
    address("OtherAddress"),
    address("MailingAddress"),
    text("Phone", 40, "phone"),
    text("Fax", 40, "phone"),
    text("MobilePhone", 40, "phone"),
    text("HomePhone", 40, "phone"),
    ref("ReportsToId", "Contact"),
    text("Email", 80, "email"),
    text("Title", 128),
    text("Department", 80),
    pick("LeadSource", *_SOURCES),
    moment("Birthdate", "date"),
    text("Description", 32_000, "textarea"),
    ref("OwnerId", "User"),
    flag("HasOptedOutOfEmail"),
    flag("HasOptedOutOfFax"),
    flag("DoNotCall"),
    moment("EmailBouncedDate"),
    text("EmailBouncedReason", 255),
    flag("IsEmailBounced", createable=False, updateable=False),
    ref("IndividualId", "Individual"),
    text("LinkedIn__c", 255, "url"),
    pick("Champion_Tags__c", *_TAGS, kind="multipicklist", restricted=True),
    pick("Champion_Status__c", "Active", "Moved", "Left", "Unknown", restricted=True),
    flag("Is_Champion__c"),
    ref("Past_Account__c", "Account"),
    text("External_Id__c", 64, external_id=True, unique=True),
    text("Region_Code__c", 10, external_id=True),
    replace(
        number("Score__c", "double", 18, 2), calculated=True, createable=False, updateable=False
    ),
    mergeable=True,
)

_LEAD = sobject(
    "Lead",
    "00Q",
    person_name(),
    text("Title", 128),
    text("Company", nillable=False),
    address("Address"),
    text("Phone", 40, "phone"),
    text("MobilePhone", 40, "phone"),
    text("Fax", 40, "phone"),
    text("Email", 80, "email"),
    text("Website", 255, "url"),
    text("Description", 32_000, "textarea"),
    pick("LeadSource", *_SOURCES),
    pick(
        "Status",
        "Open - Not Contacted",
        "Working - Contacted",
        "Closed - Converted",
        "Closed - Not Converted",
        nillable=False,
        default="Open - Not Contacted",
    ),
    pick("Rating", "Hot", "Warm", "Cold"),
    ref("OwnerId", "User"),
    flag("HasOptedOutOfEmail"),
    flag("HasOptedOutOfFax"),
    flag("DoNotCall"),
    flag("IsConverted", updateable=False),
    moment("ConvertedDate", "date", createable=False, updateable=False),
    ref("ConvertedContactId", "Contact", createable=False, updateable=False),
    ref("IndividualId", "Individual"),
    text("LinkedIn__c", 255, "url"),
    text("External_Id__c", 64, external_id=True, unique=True),
    mergeable=True,
)

_USER = sobject(
    "User",
    "005",
    text("Username", 80, nillable=False),
    person_name(),
    text("Email", 128, "email", nillable=False),
    text("Alias", 8, nillable=False),
    flag("IsActive", default=True),
    text("TimeZoneSidKey", 40, default="UTC"),
    ref("IndividualId", "Individual"),
    has_bin=False,
    deletable=False,
)

_INDIVIDUAL = sobject(
    "Individual",
    "0PK",
    ref("OwnerId", "User"),
    person_name(),
    moment("BirthDate", "date"),
    flag("HasOptedOutTracking"),
    flag("HasOptedOutProfiling"),
    flag("HasOptedOutProcessing"),
    flag("HasOptedOutSolicit"),
    flag("HasOptedOutGeoTracking"),
    flag("ShouldForget"),
    flag("SendIndividualData"),
    flag("CanStorePiiElsewhere"),
    pick("IndividualsAge", "13 or Older", "Under 13"),
)

PEOPLE_OBJECTS = (_ACCOUNT, _CONTACT, _LEAD, _USER, _INDIVIDUAL)
