"""What every model of a workflow file shares: strictness, names, and their patterns."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

#: Lower-case name usable in Dagster asset keys, tags and PostgreSQL: letters, digits, `_`.
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
#: PostgreSQL identifier that needs no quoting.
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,54}$")]
#: Name of a field of a record.
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,54}$")]
#: Text that is not empty.
Text = Annotated[str, StringConstraints(min_length=1)]


class Model(BaseModel):
    """A part of a workflow file: unknown keys are mistakes, values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
