"""Five layers that make values comparable: types, strings, numbers, date-times, mapping.

Every layer is a pure function of a polars column. It returns the column it made and the faults
it found; a fault marks rows, so that one bad value rejects its own row and no other.
"""

from __future__ import annotations
