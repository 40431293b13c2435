"""Errors of documents that do not fit the schema, as API versions up to 2024-10 put them.

Those versions ran on another GraphQL library, with its own codes and texts (recorded by public
clients: `undefinedField`, `argumentLiteralsIncompatible`, `missingRequiredArguments`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A pattern of today's text, the old code (None: it had none), and the old text.
_WORDINGS: Sequence[tuple[re.Pattern[str], str | None, str]] = tuple(
    (re.compile(pattern), code, text)
    for pattern, code, text in (
        (
            r'Cannot query field "(\w+)" on type "(\w+)"',
            "undefinedField",
            r"Field '\1' doesn't exist on type '\2'",
        ),
        (
            r'Unknown argument "(\w+)" on field "\w+\.(\w+)"',
            "argumentNotAccepted",
            r"Field '\2' doesn't accept argument '\1'",
        ),
        (
            r'Field "(\w+)" argument "(\w+)" of type "[^"]+" is required',
            "missingRequiredArguments",
            r"Field '\1' is missing required arguments: \2",
        ),
        (r"Syntax Error: (.*)", None, r"Parse error on \1"),
        (
            r'(.* cannot represent .*|Expected value of type .*|Value "\w+" does not exist in .*)',
            "argumentLiteralsIncompatible",
            r"Argument has an invalid value: \1",
        ),
    )
)


def in_old_words(error: Mapping[str, Any]) -> dict[str, Any]:
    """One formatted error in the old words; one that had none stays as it is."""
    for pattern, code, text in _WORDINGS:
        found = pattern.match(str(error["message"]))
        if found is not None:
            extensions = {} if code is None else {"extensions": {"code": code}}
            kept = {name: value for name, value in error.items() if name == "locations"}
            return {"message": found.expand(text), **kept, **extensions}
    return dict(error)
