"""Where the examples are that the tests of the Dagster shell load."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
ORDER_LIST = ROOT / "workflows"
SHIPMENTS = ROOT / "tests" / "workflows" / "examples" / "shipments"
