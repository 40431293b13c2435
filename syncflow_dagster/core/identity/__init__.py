"""Who a record is (BK_HASH) and what it holds (DATA_HASH), over one unambiguous serialisation."""

from __future__ import annotations
