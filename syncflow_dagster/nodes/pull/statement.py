"""A query as SQLAlchemy takes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, text

if TYPE_CHECKING:
    from sqlalchemy import TextClause

    from syncflow_dagster.nodes.pull.ports import Query


def statement(query: Query) -> TextClause:
    """Return a query as SQLAlchemy's text, where only its own parameters are parameters.

    Each value carries its SQL type, so that a date is bound as one on every database.
    """
    names = "|".join(map(re.escape, query.parameters))
    # A colon SQLAlchemy must leave alone, as in '12:30', is written with a backslash.
    other = rf":(?!(?:{names})\b)" if names else ":"
    clause = text(re.sub(other, r"\\:", query.text))
    return clause.bindparams(*(bindparam(name, value) for name, value in query.parameters.items()))
