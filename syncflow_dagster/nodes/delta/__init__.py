"""The delta node: normalise what was pulled, find what changed, keep the changes as delta rows."""

from __future__ import annotations
