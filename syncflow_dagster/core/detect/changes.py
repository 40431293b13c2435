"""Which fields of a record differ from what was known, told from hashes of single fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from syncflow_dagster.core.identity.hashing import FIELD_BYTES, Hashes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def changed_fields(
    old: Hashes,
    old_fields: Sequence[str],
    now: Mapping[str, Hashes],
    fields: Sequence[str],
) -> npt.NDArray[np.bool_]:
    """Compare field hashes of known records with those of the same records now.

    Args:
        old: The records' stored hashes, shape (records, 8 times the number of `old_fields`).
        old_fields: Names at the time of storing.
        now: Hashes by field, each of shape (records, 8), made as the stored ones were. A field
            that was not stored, or cannot be made as then, is not among them: nobody can say
            that it changed.
        fields: Names now.

    Returns:
        Shape (records, fields), true where a field's value differs.
    """
    before = old.reshape(len(old), len(old_fields), FIELD_BYTES)
    places = {name: place for place, name in enumerate(old_fields)}
    changed = np.zeros((len(old), len(fields)), dtype=np.bool_)
    for column, name in enumerate(fields):
        if name in places and name in now:
            changed[:, column] = (now[name] != before[:, places[name]]).any(axis=1)
    return changed
