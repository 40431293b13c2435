from __future__ import annotations

import re
import shlex

import click
import docs_pages

from syncflow_dagster.cli import main

_CALL = re.compile(r"^ *(?:\w+=\S+ )*(?:\.venv/bin/)?syncflow ([^|&;<>#\n]+)", re.MULTILINE)


def _calls():
    for page in docs_pages.PAGES:
        for fence in docs_pages.fences(page, "sh"):
            yield from ((fence.place, call.strip()) for call in _CALL.findall(fence.text))


def _mistakes(call):
    words = shlex.split(call)
    command = main
    while isinstance(command, click.Group) and words:
        name = words.pop(0)
        if name not in command.commands:
            return [name]
        command = command.commands[name]
    taken = {option for one in command.params for option in one.opts}
    given = [word.partition("=")[0] for word in words if re.match(r"--?\w", word)]
    unknown = [one for one in given if one not in taken | {"-h", "--help", "--version"}]
    options = [one for one in command.params if isinstance(one, click.Option) and one.required]
    return unknown + [one.opts[0] for one in options if not {*one.opts} & {*given}]


def test_every_command_and_option_of_a_shell_example_is_there():
    calls = list(_calls())
    assert len({place.partition(":")[0] for place, _ in calls}) > 10
    assert [(*one, wrong) for one in calls for wrong in _mistakes(one[1])] == []
    assert _mistakes("tag allow NAME") == ["allow"]
    assert _mistakes("tag approve NAME PLAN --who ann") == ["--who", "--reason"]
