"""What can be set on the fake Salesforce while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from syncflow_dagster.sandbox.settings import Zone, replaced

if TYPE_CHECKING:
    from collections.abc import Mapping


class Edit(BaseModel):
    """Something that somebody else does in the org, or the system; the log does not show it.

    Attributes:
        op: `create`, `update`, `delete`, `undelete`, `purge` (out of the recycle bin too) or
            `merge` (`id` is the master, `losers` are merged into it).
        object: API name.
        id: The record; absent for `create`.
        fields: Values by API name, calculated ones too.
        stamp: `user` moves LastModifiedDate and SystemModstamp; `system` only the latter, as
            picklist replacements and bounces do; `none` neither, as a formula does.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    op: Literal["create", "update", "delete", "undelete", "purge", "merge"]
    object: str
    id: str | None = None
    losers: list[str] = []
    fields: dict[str, Any] = {}
    stamp: Literal["user", "system", "none"] = "user"


class Settings(BaseModel):
    """The settings, with their defaults.

    Attributes:
        latency_s: Seconds that every request takes.
        null_ne: Whether `!=` and `NOT IN` find rows where the field is null; sources disagree.
        timezone: The users' time zone, in which date literals begin and end.
        commit_skew_s: Real seconds between a write's stamp and the moment others see it.
        page_size: Most rows of a REST page; clients may ask for fewer, from 200 on.
        locator_ttl_s: Real seconds a query locator lives.
        token_ttl_s: Real seconds an access token lives.
        daily_requests: API requests a day.
        hidden_fields: What field-level security hides from every user, as `Contact.DoNotCall`;
            `Individual.*` hides an object.
        private: Ids of records that sharing hides from every user.
        soap_login: Whether SOAP `login()` is allowed (API versions below 65.0).
        rotate_refresh: Whether a refresh token works once only.
        privacy_enabled: Whether "Data Protection and Privacy" is on: without it there is no
            Individual and no Consent API.
        duplicate_rules: What the standard duplicate rules do: `off`, `alert` or `block`.
        bulk_poll_s: Real seconds a Bulk 2.0 job takes before it is complete.
        bulk_query_jobs: Bulk 2.0 query jobs a day.
        bulk_ingest_jobs: Bulk 2.0 ingest jobs a day.
        bulk_ttl_s: Real seconds a finished job's results are kept.
        bulk_page_rows: Rows of a result page whose size the service chooses.
        bulk_upload_bytes: Most bytes of an ingest job's upload.
        lock_s: Real seconds a written record's parent stays locked.
        edits: What others do in the org; done once, when it is set.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    latency_s: float = Field(default=0.0, ge=0)
    null_ne: Literal["include", "exclude"] = "include"
    timezone: Zone = "UTC"
    commit_skew_s: float = Field(default=0.0, ge=0)
    page_size: int = Field(default=2_000, ge=1, le=2_000)
    locator_ttl_s: float = Field(default=172_800.0, gt=0)
    token_ttl_s: float = Field(default=7_200.0, gt=0)
    daily_requests: int = Field(default=1_000_000, ge=0)
    hidden_fields: list[str] = []
    private: list[str] = []
    soap_login: bool = True
    rotate_refresh: bool = False
    privacy_enabled: bool = True
    duplicate_rules: Literal["off", "alert", "block"] = "off"
    bulk_poll_s: float = Field(default=0.0, ge=0)
    bulk_query_jobs: int = Field(default=10_000, ge=0)
    bulk_ingest_jobs: int = Field(default=10_000, ge=0)
    bulk_ttl_s: float = Field(default=604_800.0, gt=0)
    bulk_page_rows: int = Field(default=50_000, ge=1)
    bulk_upload_bytes: int = Field(default=100_000_000, ge=1)
    lock_s: float = Field(default=0.0, ge=0)
    edits: list[Edit] = []

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """The settings with some of them replaced; edits already done are not kept.

        Raises:
            ValueError: A setting is unknown or its value is not possible.
        """
        return replaced(self, changes, "edits")
