"""The JSON Schema of workflow files, for completion and checks in editors.

Kept in `docs/workflow.schema.json`; written anew by `python -m syncflow_dagster.workflows.schema`.
A file's first line names it to editors: `# yaml-language-server: $schema=<path>`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from syncflow_dagster.workflows.models import Workflow

#: Where the schema is kept.
SCHEMA_FILE = Path(__file__).resolve().parents[2] / "docs" / "workflow.schema.json"

_VARIABLE = {
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
    "description": "A value from the environment: ${NAME} or ${NAME:-default}.",
}
_FILLABLE = frozenset({"integer", "number", "boolean"})


def json_schema() -> dict[str, Any]:
    """Return the schema.

    Numbers, switches and texts of a fixed form also allow `${NAME}`, as the loader does.
    """
    schema = Workflow.model_json_schema()
    _allow_variables(schema)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "SyncFlow workflow"
    return schema


def schema_text() -> str:
    """Return the schema as it is kept in the file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _allow_variables(part: Any) -> None:
    if isinstance(part, list):
        for entry in part:
            _allow_variables(entry)
        return
    if not isinstance(part, dict):
        return
    for name, value in part.items():
        _allow_variables(value)
        if name == "properties":
            for key, prop in value.items():
                value[key] = _fillable(prop)


def _fillable(prop: dict[str, Any]) -> dict[str, Any]:
    fixed_form = prop.get("type") == "string" and "pattern" in prop
    if prop.get("type") not in _FILLABLE and not fixed_form:
        return prop
    outer: dict[str, Any] = {
        key: prop.pop(key) for key in ("title", "description", "default") if key in prop
    }
    return {"anyOf": [prop, _VARIABLE], **outer}


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
