"""Raw data seen without fear: rules across parts run even where some parts are wrong.

Every accessor answers "nothing" for a part that is missing or of another shape; such parts are
reported by the models already, and a rule must not report them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncflow_dagster.workflows.problems import Loc


@dataclass(frozen=True, slots=True)
class View:
    """A part of a file.

    Attributes:
        data: What it holds; None where there is no such part.
        loc: Its path.
    """

    data: Any
    loc: Loc = ()

    def __getitem__(self, key: str) -> View:
        """Return the part under a key; an empty view where there is none."""
        data = self.data.get(key) if isinstance(self.data, dict) else None
        return View(data, (*self.loc, key))

    @property
    def text(self) -> str | None:
        """The text, or None if it is something else or empty."""
        return self.data if isinstance(self.data, str) and self.data else None

    @property
    def exists(self) -> bool:
        """Whether there is anything."""
        return self.data is not None

    @property
    def is_mapping(self) -> bool:
        """Whether it holds keys and values."""
        return isinstance(self.data, dict)

    def items(self) -> list[View]:
        """Return the entries of a list."""
        if not isinstance(self.data, list):
            return []
        return [View(item, (*self.loc, index)) for index, item in enumerate(self.data)]

    def texts(self) -> list[View]:
        """Return the entries of a list that are texts."""
        return [item for item in self.items() if item.text is not None]

    def entries(self) -> dict[str, View]:
        """Return the parts of a mapping by key."""
        if not isinstance(self.data, dict):
            return {}
        return {key: View(value, (*self.loc, key)) for key, value in self.data.items()}
