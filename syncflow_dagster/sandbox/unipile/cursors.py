"""Opaque cursors: base64 of what a list needs to go on, in the vendor's decoded forms."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from syncflow_dagster.sandbox.unipile.errors import ApiError


def encode(content: dict[str, Any]) -> str:
    """A cursor that carries `content`."""
    return base64.b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def decode(cursor: str) -> dict[str, Any]:
    """What a cursor carries.

    Raises:
        ApiError: It is none of ours.
    """
    try:
        content = json.loads(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError):
        content = None
    if not isinstance(content, dict):
        raise ApiError("invalid_parameters", "The cursor is not valid.")
    return content
