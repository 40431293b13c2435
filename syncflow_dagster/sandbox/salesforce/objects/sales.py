"""Opportunities, campaigns, topics, record types, and the objects the org made itself."""

from __future__ import annotations

from syncflow_dagster.sandbox.salesforce.objects.build import (
    flag,
    moment,
    number,
    pick,
    ref,
    sobject,
    text,
)

_STAGES = ("Prospecting", "Qualification", "Negotiation/Review", "Closed Won", "Closed Lost")

_OPPORTUNITY = sobject(
    "Opportunity",
    "006",
    ref("AccountId", "Account"),
    text("Name", 120, nillable=False),
    text("Description", 32_000, "textarea"),
    pick("StageName", *_STAGES, nillable=False),
    number("Amount", "currency", 18, 2),
    number("Probability", "percent", 3, 0),
    moment("CloseDate", "date", nillable=False),
    flag("IsClosed", createable=False, updateable=False),
    flag("IsWon", createable=False, updateable=False),
    ref("CampaignId", "Campaign"),
    ref("ContactId", "Contact"),
    ref("OwnerId", "User"),
)

_CAMPAIGN = sobject(
    "Campaign",
    "701",
    text("Name", 80, nillable=False),
    pick("Type", "Email", "Webinar", "Conference", "Other"),
    pick("Status", "Planned", "In Progress", "Completed", "Aborted", default="Planned"),
    moment("StartDate", "date"),
    moment("EndDate", "date"),
    flag("IsActive"),
    text("Description", 32_000, "textarea"),
    ref("OwnerId", "User"),
)

_CAMPAIGN_MEMBER = sobject(
    "CampaignMember",
    "00v",
    ref("CampaignId", "Campaign", nillable=False, updateable=False),
    ref("LeadId", "Lead", updateable=False),
    ref("ContactId", "Contact", updateable=False),
    pick("Status", "Sent", "Responded", default="Sent"),
    flag("HasResponded", createable=False, updateable=False),
    moment("FirstRespondedDate", "date", createable=False, updateable=False),
)

_TOPIC = sobject(
    "Topic",
    "0TO",
    text("Name", 99, nillable=False),
    text("Description", 1_000, "textarea"),
    has_bin=False,
)

_TOPIC_ASSIGNMENT = sobject(
    "TopicAssignment",
    "0Tb",
    ref("TopicId", "Topic", nillable=False),
    ref("EntityId", "Contact", "Lead", "Account", "Opportunity", "Campaign", nillable=False),
    text("EntityKeyPrefix", 3, createable=False, updateable=False),
    pick("EntityType", "Account", "Campaign", "Contact", "Lead", "Opportunity", createable=False),
    updateable=False,
)

_RECORD_TYPE = sobject(
    "RecordType",
    "012",
    text("Name", 80, nillable=False),
    text("DeveloperName", 80, nillable=False),
    pick("SobjectType", "Account", "Contact", "Lead", "Opportunity"),
    flag("IsActive", default=True),
    has_bin=False,
    createable=False,
    updateable=False,
    deletable=False,
)

_TAG_ASSIGNMENT = sobject(
    "Tag_Assignment__c",
    "a00",
    text("Name", 80, createable=False, updateable=False),
    text("Assignment_Key__c", 64, external_id=True, unique=True, case_sensitive=True),
    ref("Contact__c", "Contact"),
    ref("Lead__c", "Lead"),
    ref("Account__c", "Account"),
    text("Tag__c", 80, nillable=False),
    text("Purpose__c", 80),
    text("Policy_Version__c", 80),
    text("Decision_Id__c", 80),
    moment("Expires_At__c"),
    ref("OwnerId", "User"),
)

_INVOICE = sobject(
    "Invoice__c",
    "a01",
    text("Name", 80, createable=False, updateable=False),
    ref("Account__c", "Account"),
    text("Number__c", 30, external_id=True, unique=True),
    number("Amount__c", "currency", 16, 2),
    number("Discount__c", "percent", 5, 2),
    moment("Due_Date__c", "date"),
    moment("Reminder_Time__c", "time"),
    flag("Paid__c"),
    text("Scan__c", 0, "base64", filterable=False, sortable=False, groupable=False),
    ref("OwnerId", "User"),
)

SALES_OBJECTS = (
    _OPPORTUNITY,
    _CAMPAIGN,
    _CAMPAIGN_MEMBER,
    _TOPIC,
    _TOPIC_ASSIGNMENT,
    _RECORD_TYPE,
    _TAG_ASSIGNMENT,
    _INVOICE,
)
