"""The Python functions a workflow file names: `module:function`, beside the file or installed.

The file's folder is put last on Python's path, so that nothing in it hides an installed module. A
module is imported once in a process: a change of it is seen by the next run, as each run is a
process of its own.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncflow_dagster.workflows.problems import Finding, display_path, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncflow_dagster.workflows.view import View

#: An imported module is not ours and can raise anything.
_ANYTHING = (Exception,)
_FORM = "right would be module:function, for example prices:with_tax"


class FunctionError(ValueError):
    """A function that cannot be used.

    Attributes:
        hint: What would be right; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def load(reference: str) -> Callable[[Any], object]:
    """Import a function.

    Args:
        reference: `module:function`.

    Raises:
        FunctionError: There is no such module or function, or the module cannot be imported.
    """
    module_name, colon, name = reference.partition(":")
    if not (colon and name.isidentifier() and all(map(str.isidentifier, module_name.split(".")))):
        message = f"{reference!r} is no name of a function"
        raise FunctionError(message, _FORM)
    try:
        module = importlib.import_module(module_name)
    except _ANYTHING as error:
        message = f"the module {module_name!r} cannot be imported: {type(error).__name__}: {error}"
        hint = ""
        if isinstance(error, ModuleNotFoundError) and error.name == module_name.partition(".")[0]:
            message = f"there is no module {module_name!r}"
            hint = "put it beside the workflow file, or install it"
        raise FunctionError(message, hint) from error
    function: Callable[[Any], object] | None = getattr(module, name, None)
    if not callable(function):
        known = [each for each, value in vars(module).items() if callable(value)]
        message = f"the module {module_name!r} has no function {name!r}"
        raise FunctionError(message, suggestion(name, known, "its functions"))
    return function


def check(root: View, file: Path) -> Iterator[Finding]:
    """Import the functions a file names, and make its folder importable for the runs.

    Args:
        root: The workflow file's data.
        file: The workflow file.
    """
    for node in root["nodes"].items():
        for rule in node["fields"].items():
            view = rule["transform"]["function"]
            if rule["transform"]["type"].text == "python" and view.text is not None:
                yield from _check(view, view.text, file.resolve().parent)


def _check(view: View, reference: str, folder: Path) -> Iterator[Finding]:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    importlib.invalidate_caches()  # the file may be newer than what was seen of its folder
    try:
        load(reference)
    except FunctionError as error:
        yield Finding(view.loc, str(error), error.hint)
        return
    package = reference.partition(":")[0].partition(".")[0]
    beside = [folder / f"{package}.py", folder / package / "__init__.py"]
    used = getattr(sys.modules[package], "__file__", None)
    for path in beside:
        if path.is_file() and used is not None and path != Path(used).resolve():
            message = f"the module {package!r} is {display_path(Path(used))}, not the one beside it"
            yield Finding(view.loc, message, f"give {display_path(path)} a name of its own")
