"""The objects of the fake org: the standard ones a sync meets, and some of its own."""

from __future__ import annotations

from functools import cache

from syncflow_dagster.sandbox.salesforce.objects.consent import CONSENT_OBJECTS
from syncflow_dagster.sandbox.salesforce.objects.people import PEOPLE_OBJECTS
from syncflow_dagster.sandbox.salesforce.objects.sales import SALES_OBJECTS
from syncflow_dagster.sandbox.salesforce.schema import Schema


@cache
def standard_schema() -> Schema:
    """All objects of the fake org."""
    return Schema([*PEOPLE_OBJECTS, *SALES_OBJECTS, *CONSENT_OBJECTS])
