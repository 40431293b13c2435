"""What changed: which fields of a record, and whether so many deletes can be right."""

from __future__ import annotations
