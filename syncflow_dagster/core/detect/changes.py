"""Which fields of a record differ from what was known, told from hashes of single fields.

A field that was not known before is compared with NULL: adding a field to a workflow changes
only the records that have a value in it. A field that is no longer declared changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from syncflow_dagster.core.identity.hashing import FIELD_BYTES, Hashes, null_field_hash

if TYPE_CHECKING:
    from collections.abc import Sequence


def changed_fields(
    old: Sequence[bytes],
    old_fields: Sequence[str],
    new: Hashes,
    fields: Sequence[str],
) -> npt.NDArray[np.bool_]:
    """Compare field hashes of known records with those of the same records now.

    Args:
        old: Each record's stored hashes, 8 bytes for each of `old_fields`.
        old_fields: Names at the time of storing.
        new: The records' hashes now, shape (records, 8 times the number of `fields`).
        fields: Names now.

    Returns:
        Shape (records, fields), true where a field's value differs.
    """
    before = np.frombuffer(b"".join(old), dtype=np.uint8).reshape(
        len(old), len(old_fields), FIELD_BYTES
    )
    after = new.reshape(len(old), len(fields), FIELD_BYTES)
    null = np.frombuffer(null_field_hash(), dtype=np.uint8)
    places = {name: place for place, name in enumerate(old_fields)}
    changed = np.empty((len(old), len(fields)), dtype=np.bool_)
    for column, name in enumerate(fields):
        known = before[:, places[name]] if name in places else null
        changed[:, column] = (after[:, column] != known).any(axis=1)
    return changed
