"""The LinkedIn step: people taken through a sequence, from accounts reached through Unipile."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import Field, SecretStr

from syncflow_dagster.workflows.models.common import FieldName, Model, Slug, Text

Tier = Literal["free", "premium", "sales_navigator", "recruiter"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WORKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class UnipileConnection(Model):
    """Access to LinkedIn accounts through Unipile."""

    type: Literal["unipile"] = Field(description="A tenant at Unipile.")
    url: Text = Field(description="The tenant's address, such as `https://api1.unipile.com:13111`.")
    token: SecretStr = Field(min_length=1, description="API key, for example `${UNIPILE_TOKEN}`.")
    account: Text = Field(
        "default",
        description="Name of the tenant; everything sent with the same name shares its limits.",
    )
    webhook_secret: SecretStr | None = Field(
        None,
        min_length=16,
        description="What the header `Unipile-Auth` of each webhook has to carry; without it no "
        "webhook is taken.",
    )
    timeout_s: float = Field(
        45, gt=0, le=120, description="Seconds until a request is given up, the answer included."
    )
    settle_s: float = Field(
        60,
        ge=0,
        le=3600,
        description="Seconds after which reads show what a request will still bring about; only "
        "then is 'not there' believed.",
    )


class WorkingHours(Model):
    """When an account acts, in its own time zone."""

    days: list[Weekday] = Field(
        default_factory=lambda: list(_WORKDAYS),
        min_length=1,
        description="Days of the week.",
    )
    start: TimeOfDay = Field("08:30", description="From when on, as `HH:MM`.")
    end: TimeOfDay = Field("18:30", description="Until when, exclusive, as `HH:MM`.")
    holidays: list[date] = Field(default_factory=list, description="Days on which nothing is done.")


class AccountLimits(Model):
    """Limits below those of the account's tier; a higher number changes nothing."""

    invites_per_day: int | None = Field(None, ge=0, description="Invitations in 24 hours.")
    invites_per_week: int | None = Field(None, ge=0, description="Invitations in 7 days.")
    messages_per_day: int | None = Field(None, ge=0, description="Messages in 24 hours.")
    inmails_per_day: int | None = Field(None, ge=0, description="InMails in 24 hours.")
    profiles_per_day: int | None = Field(None, ge=0, description="Profiles read in 24 hours.")
    withdrawals_per_day: int | None = Field(
        None, ge=0, description="Invitations taken back in 24 hours."
    )
    gap_min_s: int = Field(120, ge=30, description="Shortest pause between two actions, seconds.")
    gap_max_s: int = Field(480, ge=30, description="Longest pause between two actions, seconds.")


class LinkedInAccount(Model):
    """A LinkedIn account that acts."""

    name: Slug = Field(description="Name of the account, unique in the node.")
    id: Text = Field(description="Unipile's id of it, for example `${UNIPILE_ACCOUNT_ANNA}`.")
    tier: Tier = Field("free", description="Subscription; decides limits and lengths of notes.")
    timezone: Text = Field(description="IANA time zone the account works in.")
    hours: WorkingHours = Field(WorkingHours(), description="When it acts.")
    limits: AccountLimits = Field(AccountLimits(), description="Limits below those of its tier.")
    ramp: bool = Field(
        True, description="Begin with a fifth of the limits and reach them in two weeks."
    )


class LeadFields(Model):
    """Which fields of the source tell who a lead is, and what its texts may say."""

    linkedin: FieldName | None = Field(
        None, description="Field with the LinkedIn address, the name in it, or the provider's id."
    )
    provider_id: FieldName | None = Field(
        None, description="Field with the provider's id (`ACo…`), where it is known."
    )
    person_id: FieldName | None = Field(
        None, description="Field with the person's id, where an identity node gave one."
    )
    email: FieldName | None = Field(None, description="Field with the e-mail address.")
    first_name: FieldName | None = Field(None, description="Field with the first name.")
    last_name: FieldName | None = Field(None, description="Field with the last name.")
    full_name: FieldName | None = Field(None, description="Field with the whole name.")
    company: FieldName | None = Field(None, description="Field with the company's name.")
    position: FieldName | None = Field(None, description="Field with the job title.")
    headline: FieldName | None = Field(None, description="Field with the headline.")
    location: FieldName | None = Field(None, description="Field with the place.")
    country: FieldName | None = Field(
        None, description="Field with the country, as two letters; see `blocked_countries`."
    )
    account: FieldName | None = Field(
        None, description="Field with the name of the account that shall act; else it is chosen."
    )
    columns: list[FieldName] = Field(
        default_factory=list, description="Further fields that texts may name."
    )


class Variant(Model):
    """One of several texts of a step; who gets which stays the same for ever."""

    name: Slug = Field(description="Name of the variant, unique in the step.")
    text: Text = Field(description="The text.")
    subject: Text | None = Field(
        None, description="Subject, of an InMail; left out: that of the step."
    )
    weight: int = Field(1, ge=1, le=1000, description="Its share among the step's variants.")


class InviteStep(Model):
    """Invites the person to connect."""

    type: Literal["invite", "connection_request", "connect", "invitation", "linkedin_invite"] = (
        Field(description="An invitation.")
    )
    note: Text | None = Field(None, description="Note that goes with it.")
    variants: list[Variant] = Field(default_factory=list, description="Instead of one note.")
    note_exhausted: Literal["send_without", "defer", "skip"] = Field(
        "send_without",
        description="What to do once a free account may send no more notes: invite without it, "
        "wait, or leave the step out.",
    )


class MessageStep(Model):
    """Sends a message to a person who is connected; waits until that is so."""

    type: Literal["message", "follow_up", "dm", "linkedin_message"] = Field(
        description="A message."
    )
    text: Text | None = Field(None, description="The text.")
    variants: list[Variant] = Field(default_factory=list, description="Instead of one text.")


class InMailStep(Model):
    """Sends an InMail; it needs a credit, or an open profile."""

    type: Literal["inmail"] = Field(description="An InMail.")
    subject: Text | None = Field(None, description="Subject.")
    text: Text | None = Field(None, description="The text.")
    variants: list[Variant] = Field(default_factory=list, description="Instead of one text.")


class ViewProfileStep(Model):
    """Visits the person's profile."""

    type: Literal["view_profile"] = Field(description="A visit to the profile.")


class WithdrawStep(Model):
    """Takes the invitation back, if it is still out."""

    type: Literal["withdraw", "cancel_invite"] = Field(description="Takes the invitation back.")


class WaitStep(Model):
    """Waits in the account's working time: exactly one of its lengths is given."""

    type: Literal["wait", "delay"] = Field(description="A pause.")
    minutes: int | None = Field(None, ge=1, description="Minutes of working time.")
    hours: float | None = Field(None, gt=0, description="Hours of working time.")
    days: int | None = Field(None, ge=1, le=365, description="Working days.")


class ConditionStep(Model):
    """Goes one way or the other."""

    type: Literal["condition"] = Field(description="A branch.")
    test: Literal["connected", "replied", "open_profile"] = Field(
        description="What is asked. Who has replied is sent nothing more: `replied` waits for it."
    )
    within_days: int | None = Field(
        None,
        ge=1,
        le=180,
        description="Days to wait for it, counted from when the step is reached; left out: it is "
        "asked at once.",
    )
    then: list[Step] = Field(default_factory=list, description="Steps where it is so.")
    otherwise: list[Step] = Field(default_factory=list, description="Steps where it is not.")


Step = Annotated[
    InviteStep
    | MessageStep
    | InMailStep
    | ViewProfileStep
    | WithdrawStep
    | WaitStep
    | ConditionStep,
    Field(discriminator="type"),
]
ConditionStep.model_rebuild()
#: What each type of a step stands for: the first of its model's types.
KIND_OF_TYPE: dict[str, str] = {
    alias: get_args(model.model_fields["type"].annotation)[0]
    for model in (
        InviteStep,
        MessageStep,
        InMailStep,
        ViewProfileStep,
        WithdrawStep,
        WaitStep,
        ConditionStep,
    )
    for alias in get_args(model.model_fields["type"].annotation)
}


class LawfulBasis(Model):
    """Why these people may be written to; kept with each lead."""

    basis: Literal["consent", "legitimate_interest"] = Field(description="The basis.")
    reference: Text = Field(description="Where it is written down, such as the assessment's id.")
    data_source: Text = Field(description="Where the data come from.")
    recorded_on: date = Field(description="Day it was recorded.")


class LinkedInStepNode(Model):
    """Takes people through a sequence on LinkedIn. In dry run unless told otherwise."""

    type: Literal["linkedin_step"] = Field(description="A sequence on LinkedIn.")
    name: Slug = Field(description="Name of the node, unique in the file.")
    description: Text = Field(description="Who is written to and why, in a sentence for people.")
    connection: Slug = Field(description="Name of a `unipile` connection.")
    source: Slug = Field(description="Delta node whose records are the leads.")
    lead: LeadFields = Field(description="Fields that tell who a lead is.")
    accounts: list[LinkedInAccount] = Field(min_length=1, description="Accounts that act.")
    sequence: list[Step] = Field(min_length=1, description="The steps, in their order.")
    lawful_basis: LawfulBasis = Field(description="Why these people may be written to.")
    blocked_countries: list[Country] = Field(
        default_factory=list, description="Countries whose people are not written to."
    )
    suppression_lists: list[Slug] = Field(
        default_factory=list, description="Suppression lists, beside `do_not_contact`."
    )
    dry_run: bool = Field(
        True,
        description="Send nothing. LinkedIn's terms forbid automated invitations and messages: "
        "to leave it, each account's risk has to be acknowledged, too.",
    )
    approval: Literal["first", "each_batch"] = Field(
        "first",
        description="Whether a person approves the texts once for each version and account, or of "
        "each batch of leads.",
    )
    contact_again_after_days: int = Field(
        90, ge=0, description="Days until somebody may be enrolled again, by whatever campaign."
    )
    withdraw_after_days: int | None = Field(
        21,
        ge=7,
        le=180,
        description="Days after which an invitation the node sent is taken back and the lead ends, "
        "where a message waits for nothing but the connection; null: never.",
    )
    first_message_after_h: float = Field(
        2, ge=0, le=72, description="Hours between a connection and the first message, at least."
    )
    on_owner_message: Literal["pause", "ignore"] = Field(
        "pause", description="What follows when the account's owner writes to a lead by hand."
    )
    on_delete: Literal["cancel", "keep"] = Field(
        "cancel", description="What follows when a lead is gone from the source."
    )
    polls_per_day: int = Field(
        4, ge=1, le=8, description="How often a day connections are looked at, at random times."
    )
    links_in_note: bool = Field(False, description="Whether notes may have links in them.")
    keep_texts_days: int = Field(
        180, ge=1, description="Days after its end for which a lead's texts are kept."
    )
