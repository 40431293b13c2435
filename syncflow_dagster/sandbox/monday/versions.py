"""API versions: which one a request is answered with (as known on 2026-10-26)."""

from __future__ import annotations

import re
from dataclasses import dataclass

CURRENT = "2026-10"


@dataclass(frozen=True)
class ApiVersion:
    """One quarterly version and its standing."""

    value: str
    kind: str

    @property
    def display_name(self) -> str:
        """The version as people read it."""
        return f"{self.value} ({self.kind.replace('_', ' ')})"


VERSIONS = tuple(
    ApiVersion(value, kind)
    for value, kind in (
        ("2025-04", "old__maintenance"),
        ("2025-07", "maintenance"),
        ("2025-10", "maintenance"),
        ("2026-01", "maintenance"),
        ("2026-04", "maintenance"),
        ("2026-07", "maintenance"),
        (CURRENT, "current"),
        ("2027-01", "release_candidate"),
    )
)
_LIVING = {version.value: version for version in VERSIONS}
_OLDEST_LIVING = VERSIONS[0].value
_FIRST_EVER = "2023-07"
_FORM = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_QUARTER = re.compile(r"20\d\d-(01|04|07|10)")


class MalformedVersionError(ValueError):
    """The `API-Version` header is not of the form `YYYY-MM`."""


def resolve(header: str | None, *, reroute_deprecated: bool = True) -> ApiVersion:
    """The version that answers a request with this `API-Version` header.

    Args:
        header: The header's value; None when it was not sent.
        reroute_deprecated: Send deprecated versions to the oldest maintained one, as the
            service does since 2026-02-15. False answers them in their own style.

    Raises:
        MalformedVersionError: The header is not of the form `YYYY-MM`.
    """
    if header is None:
        return _LIVING[CURRENT]
    if not _FORM.fullmatch(header):
        raise MalformedVersionError(header)
    if header in _LIVING:
        return _LIVING[header]
    deprecated = _QUARTER.fullmatch(header) and _FIRST_EVER <= header < _OLDEST_LIVING
    if not deprecated:
        return _LIVING[CURRENT]
    return _LIVING[_OLDEST_LIVING] if reroute_deprecated else ApiVersion(header, "deprecated")
