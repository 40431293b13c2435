"""The models as a tree that can be walked: which model stands where in a file.

pydantic's error paths hold names of union members that no file holds; walking the models beside
the path tells the two apart, and gives the known keys at any place.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from syncflow_dagster.workflows.models import Workflow

if TYPE_CHECKING:
    from syncflow_dagster.workflows.problems import Loc

#: pydantic's word for "the key itself".
KEY = "[key]"


@dataclass(frozen=True, slots=True)
class Spot:
    """What stands at the end of an error's path.

    Attributes:
        loc: The path as the file has it, without names of union members.
        models: Models the part may be of: one, or several where the key that tells them apart is
            missing or wrong; none for a plain value.
        plain_union: The part is one of several plain types.
        at_key: The path means a key, not its value.
    """

    loc: Loc
    models: tuple[type[BaseModel], ...]
    plain_union: bool = False
    at_key: bool = False

    @property
    def keys(self) -> list[str]:
        """Keys the part may have."""
        return list(dict.fromkeys(name for model in self.models for name in model.model_fields))

    def tags(self, discriminator: str) -> list[str]:
        """Return what the key that tells the models apart may say."""
        return [tag for model in self.models for tag in _tags(model, discriminator)]


def find(error_loc: Loc, root: type[BaseModel] = Workflow) -> Spot:
    """Walk from the model of the whole file down an error's path."""
    options: tuple[Any, ...] = (root,)
    loc: Loc = ()
    for part in error_loc:
        models = _models(options)
        if part == KEY:
            return Spot(loc, (), at_key=True)
        if len(options) > 1 and not models:
            return Spot(loc, (), plain_union=True)
        if len(models) > 1:
            chosen = tuple(model for model in models if part in _all_tags(model))
            if chosen:
                options = chosen
                continue
        loc = (*loc, part)
        options = _below(options, part)
    models = _models(options)
    return Spot(loc, models, plain_union=len(options) > 1 and not models)


def known_keys(loc: Loc, root: type[BaseModel] = Workflow) -> list[str]:
    """Return the keys of the mapping an unknown key stands in, by pydantic's path of that key."""
    return find(loc[:-1], root).keys


def _models(options: tuple[Any, ...]) -> tuple[type[BaseModel], ...]:
    return tuple(one for one in options if isinstance(one, type) and issubclass(one, BaseModel))


def _below(options: tuple[Any, ...], part: str | int) -> tuple[Any, ...]:
    for option in options:
        origin, args = get_origin(option), get_args(option)
        if origin is list and isinstance(part, int):
            return _unfold(args[0])
        if origin is dict:
            return _unfold(args[1])
        if isinstance(option, type) and issubclass(option, BaseModel):
            info = option.model_fields.get(str(part))
            if info is not None:
                return _unfold(info.annotation)
    return ()


def _unfold(annotation: Any) -> tuple[Any, ...]:
    """Return the types an annotation allows, None apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unfold(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return tuple(
            one for arg in get_args(annotation) for one in _unfold(arg) if one is not NoneType
        )
    return (annotation,)


def _tags(model: type[BaseModel], field: str) -> tuple[str, ...]:
    info = model.model_fields.get(field)
    if info is None or get_origin(info.annotation) is not Literal:
        return ()
    return get_args(info.annotation)


def _all_tags(model: type[BaseModel]) -> set[str]:
    # Models told apart by their keys stand in error paths by their own names.
    names = {tag for field in ("type", "policy") for tag in _tags(model, field)}
    return names | {model.__name__}
