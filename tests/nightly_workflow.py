"""A workflow that is at work at night only, as files of a folder."""

_NIGHTLY = """\
workflow: nightly
description: Times that are odd.
owner: operations
connections: {db: {type: sql, url: "sqlite:////x.db"}}
calendars: {german: {country: DE}}
windows: {open: [19:00-07:00 on weekdays], timezone: Europe/Berlin}
triggers:
  - {type: phrase, name: night, when: daily at 02:30, timezone: Europe/Berlin, enabled: false}
  - {type: dates, name: over, dates: [2026-03-01], at: [noon]}
  - {type: pending_rows}
nodes:
  - {type: pull, name: rows, description: d, connection: db, query: rows.sql.j2}
  - type: delta
    name: records
    description: d
    source: rows
    entity: record
    table: nightly_record_delta
    key: [id]
    fields: [{name: id}]
"""


def write_nightly(folder):
    """Write the workflow `nightly`, and the query it names."""
    (folder / "nightly.yaml").write_text(_NIGHTLY, encoding="utf-8")
    (folder / "rows.sql.j2").write_text("select 1 as id", encoding="utf-8")
