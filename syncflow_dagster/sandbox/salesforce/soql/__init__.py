"""SOQL as Salesforce takes it: parse, check against a schema, answer over records.

    query = soql.parse("SELECT Id, Account.Name FROM Contact WHERE Email LIKE '%@example.com'")
    checked = soql.check(query, schema, hidden=lambda object_name, field_name: False)
    for row in soql.run(checked, rows_of, get, now=now, null_ne="exclude"):
        row["Account.Name"], row.record["Id"], row.parents["Account"]

- `parse(text) -> Query` knows no schema. It refuses what Salesforce's own parser refuses, and a
  test compares the two.
- `check(query, schema, hidden) -> Checked` looks up objects, fields and relationships, and the
  types of values.
- `run(checked, rows_of, get, *, now, null_ne, zone) -> Iterator[ResultRow]` gives the rows;
  `count(...)`, with the same arguments, the number for `SELECT COUNT()` (`checked.counts`). The
  rows of `checked.aggregated` queries are `AggregateResult`s.
- `SoqlError` has Salesforce's `error_code` and `message`. `NotInSandboxError`, one of them, is
  raised for SOQL that Salesforce takes and the sandbox does not know: child queries' rows, TYPEOF,
  DISTANCE, HAVING, ROLLUP, WITH, USING, FOR VIEW, functions other than aggregates, currencies.

Records are mappings from API name to `str`, `bool`, number, `date`, aware `datetime` or None; a
multipicklist is one text with `;`. Nothing here reads a clock or keeps state.
"""

from syncflow_dagster.sandbox.salesforce.soql.check import check
from syncflow_dagster.sandbox.salesforce.soql.errors import NotInSandboxError, SoqlError
from syncflow_dagster.sandbox.salesforce.soql.parser import parse
from syncflow_dagster.sandbox.salesforce.soql.plan import Checked, Column
from syncflow_dagster.sandbox.salesforce.soql.predicates import NullMode
from syncflow_dagster.sandbox.salesforce.soql.run import ResultRow, count, run
from syncflow_dagster.sandbox.salesforce.soql.tree import Query

__all__ = [
    "Checked",
    "Column",
    "NotInSandboxError",
    "NullMode",
    "Query",
    "ResultRow",
    "SoqlError",
    "check",
    "count",
    "parse",
    "run",
]
