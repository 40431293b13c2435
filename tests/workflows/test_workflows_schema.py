"""The JSON Schema editors get: kept up to date, with a word on everything."""

import json

from syncflow_dagster.workflows.schema import SCHEMA_FILE, json_schema, schema_text


def test_the_kept_schema_is_the_models():
    right = "python -m syncflow_dagster.workflows.schema writes it anew"
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), right


def test_every_key_is_described():
    schema = json_schema()
    parts = {"Workflow": schema} | schema["$defs"]
    missing = [
        f"{name}.{key}"
        for name, part in parts.items()
        for key, prop in part.get("properties", {}).items()
        if not prop.get("description")
    ]
    assert len(parts) > 15
    assert missing == []


def test_every_part_refuses_unknown_keys():
    schema = json_schema()
    for part in [schema, *schema["$defs"].values()]:
        assert part["additionalProperties"] is False


def test_the_schema_is_plain_json():
    assert json.loads(schema_text()) == json_schema()
