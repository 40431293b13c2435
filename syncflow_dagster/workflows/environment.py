"""Environment variables in workflow files: `${NAME}`, `${NAME:-default}`, `$$` for a dollar sign.

Substitution happens after the YAML is parsed, on single values, so that what a variable holds can
never become structure. What a variable holds is never shown: :meth:`Environment.redact` takes it
out of every text meant for people.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE = re.compile(
    r"\$\$|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<bad>\$\{[^}]*\}?)"
)
# A value this short stands in ordinary words as well; only a whole word is taken for it.
_SHORT = 4


class UnresolvedError(ValueError):
    """A value that refers to a variable that is not set, or refers to it wrongly.

    Attributes:
        hint: What would be right.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Environment:
    """The variables a file may refer to.

    Args:
        variables: Usually `os.environ`. An empty variable counts as not set.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._used: dict[str, str] = {}

    def substitute(self, text: str) -> str:
        """Return the text with every reference replaced.

        Raises:
            UnresolvedError: A variable is not set and no default is given, or the reference is
                malformed. All of them are named.
        """
        missing: list[str] = []

        def replace(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            if match["bad"] is not None:
                shown = match["bad"]
                hint = "write ${NAME}, ${NAME:-default}, or $$ for a dollar sign"
                raise UnresolvedError(f"{shown!r} is no reference to a variable", hint)  # noqa: EM102
            name, default = match["name"], match["default"]
            value = self._variables.get(name, "")
            if value:
                self._used[name] = value
                return value
            if default is None:
                missing.append(name)
                return ""
            return str(default)

        result = _REFERENCE.sub(replace, text)
        if missing:
            names = ", ".join(dict.fromkeys(missing))
            some = "variables are" if len(missing) > 1 else "variable is"
            hint = f"set it, or give a default: ${{{missing[0]}:-default}}"
            msg = f"environment {some} not set: {names}"
            raise UnresolvedError(msg, hint)
        return result

    def redact(self, text: str) -> str:
        """Return the text with what variables hold replaced by their names."""
        shown: dict[str, str] = {}
        for name, value in self._used.items():
            for form in (value, repr(value)[1:-1], " ".join(value.split())):
                shown.setdefault(form, f"${{{name}}}")
        for value in sorted(filter(None, shown), key=len, reverse=True):
            if len(value) >= _SHORT:
                text = text.replace(value, shown[value])
            else:
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", lambda _: shown[value], text)  # noqa: B023
        return text
