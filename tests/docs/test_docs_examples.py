from __future__ import annotations

import re
import subprocess

import docs_pages
import pytest

from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

_NAMED_QUERY = re.compile(r"\{#\s*(\S+\.sql\.j2)\s*#\}")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def _every(*languages):
    return [one for page in docs_pages.PAGES for one in docs_pages.fences(page, *languages)]


_WORKFLOWS = _every("yaml")


def test_there_are_workflows_in_the_readme_and_in_the_guide():
    pages = {one.page.name for one in _WORKFLOWS}
    assert {"README.md", "write-a-workflow.md"} <= pages


@pytest.mark.parametrize("fence", _WORKFLOWS, ids=lambda fence: fence.place)
def test_every_yaml_example_is_a_workflow_that_loads(fence, tmp_path):
    for query in docs_pages.fences(fence.page, "sql"):
        named = _NAMED_QUERY.match(query.text)
        if named:
            path = tmp_path / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(query.text, encoding="utf-8")
    file = tmp_path / "example.yaml"
    file.write_text(fence.text, encoding="utf-8")
    environ = {
        name: "postgresql://reader@localhost/books" if name.endswith("_URL") else "anything"
        for name in _VARIABLE.findall(fence.text)
    }
    loaded = load_file(file, environ)
    assert isinstance(loaded, LoadedWorkflow), "\n".join(map(str, loaded.problems))


@pytest.mark.parametrize("fence", _every("python"), ids=lambda fence: fence.place)
def test_every_python_example_compiles(fence):
    compile(fence.text, fence.place, "exec")


@pytest.mark.parametrize("page", docs_pages.PAGES, ids=lambda page: page.name)
def test_every_shell_example_is_shell(page):
    text = "\n".join(one.text for one in docs_pages.fences(page, "sh"))
    text = text.replace("<this repository>", "repository")
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_the_python_inside_the_readme_s_shell_helper_compiles():
    shell = "\n".join(one.text for one in docs_pages.fences(docs_pages.ROOT / "README.md", "sh"))
    [inside] = re.findall(r"python -c '\n(.*?)' \"\$@\"", shell, flags=re.DOTALL)
    compile(inside, "README.md", "exec")


def test_commands_of_the_make_file_are_those_the_pages_name():
    make = (docs_pages.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", make, flags=re.MULTILINE)[1].split())
    cli = docs_pages.sections(docs_pages.REFERENCE / "cli.md")["Make"]
    assert set(re.findall(r"make ([\w-]+)", cli)) == targets
    readme = (docs_pages.ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`make ([\w-]+)`", readme)) <= targets


def test_ci_runs_the_linters_and_the_readme_s_test_command():
    script = (docs_pages.ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in script
    assert script.index("make lint") < script.index("make test")
    assert (docs_pages.ROOT / ".ci" / "run").stat().st_mode & 0o111
