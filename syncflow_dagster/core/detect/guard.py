"""Whether so many deletes can be right, or whether it is the reading that went wrong."""

from __future__ import annotations

#: Deletes that are never refused, however few records are known.
ALWAYS_ALLOWED = 10


def refusal(deletes: int, known: int, records: int, max_share: float, parts: int = 1) -> str | None:
    """Say why a batch's deletes are refused, or None when they are not.

    Args:
        deletes: Known records that were not read.
        known: Records known and not deleted before this batch.
        records: Records read, those that were rejected among them.
        parts: How many ranges share what is never refused.
        max_share: Largest share of known records that one batch may delete, 0 to 1.
    """
    if deletes == 0:
        return None
    if records == 0:
        return (
            f"the source gave no record at all while {known} are known, so all {deletes} would "
            "be deleted; an empty source is never taken as a delete of everything. Check the "
            "pull node's query and connection; if it is right, set deletes.detect to false"
        )
    if deletes <= ALWAYS_ALLOWED // parts or deletes <= known * max_share:
        return None
    return (
        f"{deletes} of {known} known records ({deletes / known:.0%}) were not read and would be "
        f"deleted, more than deletes.max_share allows ({max_share:.0%}). If they are really gone, "
        "raise deletes.max_share for this run"
    )
