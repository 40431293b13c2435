"""The hand-made way: a Python function for each value and each row, and a merge of frames.

Five layers as people write them (types, texts, numbers, date-times, the mapping to fields), a JSON
text and its SHA-256 for each row, and an outer merge with the stored hashes. It is far too slow
for all rows: a sample is measured and scaled, which its parts allow, as they are linear. Writing
the changes is left out, in its favour.
"""

from __future__ import annotations

import hashlib
import json
import time
import unicodedata
from datetime import UTC
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from syncflow_dagster.testing.bench import data

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.workflows.models.delta import FieldRule

_SAMPLE = 20_000


def sample_size(rows: int) -> int:
    """Return how many of `rows` rows are measured."""
    return min(rows, _SAMPLE)


def seconds(rows: int) -> tuple[float, data.Changes]:
    """Measure the sample.

    Returns:
        The seconds all rows would take, and the changes found in the sample.
    """
    size = sample_size(rows)
    state = _hashed(_frame(size, "stored"))
    read = _frame(size, "read")
    started = time.perf_counter()
    both = _hashed(read).merge(
        state, on="key", how="outer", suffixes=("", "_known"), indicator=True
    )
    updated = (both["_merge"] == "both") & (both["data"] != both["data_known"])
    found = data.Changes(
        inserted=int((both["_merge"] == "left_only").sum()),
        updated=int(updated.sum()),
        deleted=int((both["_merge"] == "right_only").sum()),
    )
    return (time.perf_counter() - started) * rows / size, found


def _frame(rows: int, version: data.Version) -> pd.DataFrame:
    frames: list[pd.DataFrame] = [raw.to_pandas() for raw, _ in data.generate(rows, version)]
    return pd.concat(frames)


def _hashed(frame: pd.DataFrame) -> pd.DataFrame:
    node = data.node()
    normal = pd.DataFrame(
        {rule.name: frame[rule.source_column].apply(_function(rule)) for rule in node.fields}
    )
    keys = normal.apply(lambda row: _digest([row[name] for name in node.key]), axis=1)
    hashes = normal.apply(lambda row: _digest(row.to_dict()), axis=1)
    return pd.DataFrame({"key": keys, "data": hashes})


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()


def _function(rule: FieldRule) -> Callable[[Any], Any]:
    match rule.type:
        case "text":
            return _text
        case "decimal":
            return lambda value: _decimal(value, Decimal(1).scaleb(-rule.scale))
        case "datetime":
            return lambda value: _moment(value, ZoneInfo(rule.timezone))
        case "integer":
            return lambda value: None if pd.isna(value) else str(int(value))
        case "date":
            return lambda value: None if pd.isna(value) else value.isoformat()
        case "boolean":
            return lambda value: None if pd.isna(value) else bool(value)


def _text(value: Any) -> str | None:
    if pd.isna(value):
        return None
    return " ".join(unicodedata.normalize("NFC", str(value)).split()) or None


def _decimal(value: Any, unit: Decimal) -> str | None:
    if pd.isna(value):
        return None
    rounded = Decimal(str(value)).quantize(unit, rounding=ROUND_HALF_EVEN)
    return str(abs(rounded) if rounded == 0 else rounded)


def _moment(value: Any, zone: ZoneInfo) -> str | None:
    if pd.isna(value):
        return None
    moment = value if value.tzinfo else value.replace(tzinfo=zone)
    return str(moment.astimezone(UTC).isoformat())
