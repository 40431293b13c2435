"""The consent gate of writes to a Salesforce org, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.compliance.gate import Gate
from syncflow_dagster.nodes.compliance.key import privacy_key
from syncflow_dagster.nodes.compliance.salesforce_evidence import SalesforceEvidence
from syncflow_dagster.nodes.salesforce.describe import Describes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.soql.schema import Schema
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.policy import Policy


def salesforce_gate(
    database: Database,
    clock: Clock,
    client: SalesforceClient,
    policy: Policy,
    object_name: str,
    *,
    environ: Mapping[str, str],
    describes: Schema | None = None,
    run_id: str | None = None,
) -> Gate:
    """Return the gate for the records of one object of an org.

    Args:
        database: A migrated database.
        clock: Its time.
        client: The org.
        policy: The policy.
        object_name: API name of the object whose records are written about.
        environ: Usually `os.environ`; holds the key for hashes of persons.
        describes: The org's objects, where they are read already.
        run_id: The run, for the log.

    Raises:
        PrivacyKeyError: There is no usable key: nothing may be written.
    """
    key = privacy_key(environ, database, clock.now())
    evidence = SalesforceEvidence(client, describes or Describes(client), clock)
    return Gate(database, clock, evidence, policy, object_name, key=key, run_id=run_id)
