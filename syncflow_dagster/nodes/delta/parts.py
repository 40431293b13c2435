"""Ranges of BK_HASH, so that several workers can share one delta."""

from __future__ import annotations

from dataclasses import dataclass

from syncflow_dagster.core.detect.entries import span


@dataclass(frozen=True, slots=True)
class Part:
    """One of some ranges of one size.

    Attributes:
        number: Which one, from 0.
        parts: How many there are.
    """

    number: int = 0
    parts: int = 1

    @property
    def span(self) -> tuple[int, int]:
        """First and last upper half of the keys in it."""
        return span(self.number, self.parts)

    @property
    def name(self) -> str:
        """Name of its Dagster partition, such as ``1_of_4``."""
        return f"{self.number + 1}_of_{self.parts}"


def named(name: str) -> Part:
    """Return the part of a name.

    Raises:
        ValueError: It is no such name.
    """
    number, separator, parts = name.partition("_of_")
    if not (separator and number.isdigit() and parts.isdigit() and 1 <= int(number) <= int(parts)):
        msg = f"{name!r} names no partition; right would be 1_of_4"
        raise ValueError(msg)
    return Part(int(number) - 1, int(parts))


def all_parts(parts: int) -> list[Part]:
    """Return all ranges of a split."""
    return [Part(number, parts) for number in range(parts)]
