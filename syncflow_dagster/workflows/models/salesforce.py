"""Salesforce: the org as a connection, and the pull node that reads records of one object."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, SecretStr, Tag

from syncflow_dagster.workflows.models.common import Model, Slug, Text

#: One value a condition compares with; a text such as `LAST_N_DAYS:30` may be a date literal.
ConditionScalar = bool | int | float | datetime | date | str | None
ConditionValue = ConditionScalar | list[ConditionScalar]
Operator = Literal[
    "equals",
    "not_equals",
    "less",
    "less_or_equal",
    "greater",
    "greater_or_equal",
    "like",
    "not_like",
    "starts_with",
    "ends_with",
    "contains",
    "in",
    "not_in",
    "includes",
    "excludes",
    "is_null",
    "is_not_null",
]


class ClientCredentialsAuth(Model):
    """OAuth 2.0 client credentials: an app of the org with a run-as user."""

    type: Literal["client_credentials"] = Field(description="OAuth client credentials.")
    client_id: SecretStr = Field(min_length=1, description="The app's consumer key.")
    client_secret: SecretStr = Field(min_length=1, description="The app's consumer secret.")


class JwtAuth(Model):
    """OAuth 2.0 JWT bearer: an app of the org that holds our certificate."""

    type: Literal["jwt"] = Field(description="OAuth JWT bearer.")
    client_id: SecretStr = Field(min_length=1, description="The app's consumer key.")
    username: Text = Field(description="User to act as.")
    private_key: SecretStr = Field(
        min_length=1, description="RSA private key in PEM, or the path of a file that holds it."
    )
    audience: Text = Field(
        "https://login.salesforce.com",
        description="Login host the token is for; `https://test.salesforce.com` of a sandbox org.",
    )


class SessionAuth(Model):
    """A session or access token got elsewhere; it cannot be refreshed."""

    type: Literal["session"] = Field(description="A token got elsewhere.")
    token: SecretStr = Field(min_length=1, description="Session id or access token.")


class SoapAuth(Model):
    """SOAP login with user and password: legacy, refused from API version 65.0 on."""

    type: Literal["soap"] = Field(description="SOAP login, legacy.")
    username: Text = Field(description="User.")
    password: SecretStr = Field(min_length=1, description="The user's password.")
    security_token: SecretStr = Field(
        SecretStr(""), description="The user's security token; none from a trusted network."
    )


SalesforceAuth = Annotated[
    ClientCredentialsAuth | JwtAuth | SessionAuth | SoapAuth, Field(discriminator="type")
]


class SalesforceConnection(Model):
    """An org at Salesforce."""

    type: Literal["salesforce"] = Field(description="An org at Salesforce.")
    url: Text = Field(description="My Domain address, such as `https://acme.my.salesforce.com`.")
    auth: SalesforceAuth = Field(description="How to log in.")
    account: Text = Field(
        "default",
        description="Name of the org; everything sent with the same name shares one budget.",
    )
    api_version: str = Field(
        "64.0", pattern=r"^\d{2,3}\.0$", description="Pinned Salesforce API version."
    )
    timeout_s: float = Field(120, gt=0, le=600, description="Seconds until a request is given up.")
    settle_s: float = Field(
        130,
        ge=0,
        le=3600,
        description="Seconds after which reads show every write Salesforce will still apply; only "
        "then is 'not there' believed. Longer than Salesforce's own 120 s request limit.",
    )
    org_share: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Share of the org's daily API requests that may be used, by whomever, before "
        "we stop.",
    )
    run_share: float = Field(
        0.25,
        gt=0,
        le=1,
        description="Share of them that one read of a pull node, or one run of a tag node, may use "
        "before it stops; each counts for itself.",
    )


class Condition(Model):
    """One comparison: attribute, operator, value."""

    attribute: Text = Field(
        description="Field of the object, or of a parent: `Industry`, `Account.Name`."
    )
    operator: Operator = Field(description="How it is compared.")
    value: ConditionValue = Field(
        None,
        description="What it is compared with: a value, a list for `in`, `not_in`, `includes` and "
        "`excludes`, or a date literal such as `LAST_N_DAYS:30`. None for `is_null`.",
    )
    null_matches: bool = Field(
        False,
        description="Whether `not_equals`, `not_in`, `not_like` and `excludes` are true of an "
        "empty field too.",
    )


class AllOf(Model):
    """True where all of its conditions are."""

    all: list[ConditionTree] = Field(min_length=1, description="Conditions that must all be true.")


class AnyOf(Model):
    """True where one of its conditions is."""

    any: list[ConditionTree] = Field(min_length=1, description="Conditions one of which must be.")


class NoneOf(Model):
    """True where none of its conditions is."""

    none: list[ConditionTree] = Field(min_length=1, description="Conditions none of which may be.")


#: Keys of groups, with the model of each.
GROUPS: dict[str, str] = {"all": "AllOf", "any": "AnyOf", "none": "NoneOf"}


def _model_of(part: Any) -> str:
    """Return the name of the model a part of conditions is meant for, by its keys."""
    if isinstance(part, BaseModel):
        return type(part).__name__
    given = part if isinstance(part, dict) else {}
    return next((name for key, name in GROUPS.items() if key in given), Condition.__name__)


ConditionTree = Annotated[
    Annotated[Condition, Tag("Condition")]
    | Annotated[AllOf, Tag("AllOf")]
    | Annotated[AnyOf, Tag("AnyOf")]
    | Annotated[NoneOf, Tag("NoneOf")],
    Discriminator(_model_of),
]
for _group in (AllOf, AnyOf, NoneOf):
    _group.model_rebuild()


class SalesforcePullNode(Model):
    """Reads records of one Salesforce object, by REST or by Bulk API 2.0."""

    type: Literal["salesforce_pull"] = Field(description="Reads records from Salesforce.")
    name: Slug = Field(description="Name of the node, unique in the file.")
    description: Text = Field(description="What is read, in a sentence for people.")
    connection: Slug = Field(description="Name of a `salesforce` connection.")
    object: Text | None = Field(
        None, description="API name of the object, standard or custom: `Contact`, `Invoice__c`."
    )
    fields: list[Text] = Field(
        default_factory=list,
        description="Fields to read, of the object or of a parent: `Email`, `Account.Name`. A "
        "column is named as its field is.",
    )
    where: ConditionTree | None = Field(
        None, description="Which records are read; left out: all of them."
    )
    soql: Text | None = Field(
        None,
        description="A whole query instead of `object`, `fields` and `where`; it is checked too.",
    )
    api: Literal["auto", "rest", "bulk"] = Field(
        "auto",
        description="REST, Bulk API 2.0, or whichever suits the number of records and the fields.",
    )
    bulk_from: int = Field(
        10_000, ge=1, description="Records from which `auto` takes Bulk API 2.0."
    )
    with_deleted: bool = Field(
        False,
        description="Whether records in the recycle bin are read too, deleted and merged ones, "
        "with `IsDeleted` and `MasterRecordId` where they are among the fields.",
    )
    batch_rows: int = Field(50_000, ge=1, le=1_000_000, description="Rows held at a time.")
