"""Python functions that a workflow file names: found beside it, imported once, or reported."""

from __future__ import annotations

import sys

import pytest

from syncflow_dagster.workflows import functions
from syncflow_dagster.workflows.loader import LoadedWorkflow


@pytest.fixture(autouse=True)
def _imports():
    """Leave no module and no folder of a test to the next one."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("made_"):
            del sys.modules[name]


def using(example_text, function):
    made = f"transform: {{type: python, function: {function}, columns: [a]}}"
    return example_text.replace("- {name: colour}", f"- {{name: colour, {made}}}")


def test_a_module_beside_the_file_is_found_and_hides_no_installed_one(folder, load, example_text):
    (folder / "made_prices.py").write_text("def gross(frame):\n    return frame['a']\n")
    (folder / "wave.py").write_text("raise SystemExit\n")
    result = load(using(example_text, "made_prices:gross"))
    assert isinstance(result, LoadedWorkflow), result.problems
    assert functions.load("made_prices:gross")({"a": 1}) == 1
    assert sys.path[-1] == str(folder.resolve())
    import wave

    assert hasattr(wave, "Wave_read")


def test_a_package_beside_the_file_is_found(folder, load, example_text):
    (folder / "made_package").mkdir()
    (folder / "made_package" / "tidy.py").write_text("def up(frame):\n    return frame['a']\n")
    assert isinstance(load(using(example_text, "made_package.tidy:up")), LoadedWorkflow)


def test_a_module_that_cannot_be_imported_is_told_with_its_reason(folder, problems, example_text):
    (folder / "made_broken.py").write_text("import made_nowhere\n")
    (folder / "made_wrong.py").write_text("1 / 0\n")
    [found] = problems(using(example_text, "made_broken:f"))
    assert "the module 'made_broken' cannot be imported: ModuleNotFoundError" in found
    text = using(example_text, "made_wrong:f")
    [found] = problems(text)
    line = text[: text.index("made_wrong")].count("\n") + 1
    assert found.startswith(f"workflows/x.yaml:{line}:")
    assert "ZeroDivisionError: division by zero" in found


def test_a_module_with_the_name_of_another_is_reported(folder, problems, example_text):
    (folder / "json.py").write_text("def loads(frame):\n    return frame['a']\n")
    [found] = problems(using(example_text, "json:loads"))
    assert "the module 'json' is " in found
    assert "give workflows/json.py a name of its own" in found


def test_what_is_called_must_be_a_function():
    with pytest.raises(functions.FunctionError, match="has no function '__name__'"):
        functions.load("json:__name__")
    for wrong in ("json", ":f", "json:", "../json:f", "json:a.b", "a b:f"):
        with pytest.raises(functions.FunctionError, match="is no name of a function"):
            functions.load(wrong)
