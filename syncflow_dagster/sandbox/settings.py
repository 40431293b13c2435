"""What the settings of the fake services have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_Settings = TypeVar("_Settings", bound=BaseModel)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError):
        text = f"{name!r} is not a time zone"
        raise ValueError(text) from None
    return name


#: Name of a time zone that is there.
Zone = Annotated[str, AfterValidator(_known_zone)]


def replaced(settings: _Settings, changes: Mapping[str, Any], *deeds: str) -> _Settings:
    """Settings with some of them replaced.

    Args:
        settings: As they are.
        changes: New values by name.
        deeds: Names of settings that are done when they are set, and not kept.

    Raises:
        ValueError: A setting is unknown or its value is not possible.
    """
    kept = settings.model_dump(exclude=set(deeds))
    try:
        return settings.model_validate(kept | dict(changes))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        msg = f"{where}: {first['msg']}"
        raise ValueError(msg) from error
