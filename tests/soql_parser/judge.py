"""Salesforce's own SOQL parser, for tests: a node process that judges one query at a time.

    @pytest.fixture(scope="module")
    def salesforce():
        with judge.salesforce_parser() as parser:  # skips when it is not installed
            yield parser

    assert salesforce.judge("SELECT Id FROM Contact").accepted

`make soql-parser` installs it (npm `@salesforce/soql-common`, node 20 or later). What it takes is
grammar only: it knows no objects, fields or types.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
INSTALLED = FOLDER / "node_modules" / "@salesforce" / "soql-common" / "package.json"


@dataclass(frozen=True)
class Verdict:
    """What the parser says; each error has `line` (from 1), `column` (from 0) and `message`."""

    accepted: bool
    errors: tuple[dict[str, object], ...]


class SalesforceParser:
    """A running parser; about 1,500 queries a second."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", "judge.js"],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def judge(self, query: str) -> Verdict:
        """Whether Salesforce's grammar takes a query, and what it says where not."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # ASCII only: to node, U+2028 would end the line.
        self._process.stdin.write(json.dumps(query) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Verdict(answer["accepted"], tuple(answer["errors"]))

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate(timeout=10)


def why_missing() -> str | None:
    """Why the parser cannot run here; None when it can."""
    if shutil.which("node") is None:
        return "node is not installed, so Salesforce's own parser cannot judge SOQL"
    if not INSTALLED.exists():
        return "Salesforce's own parser is not installed: run `make soql-parser`"
    return None


@contextmanager
def salesforce_parser():
    """The running parser; skips the test when it is not installed."""
    reason = why_missing()
    if reason is not None:
        pytest.skip(reason)
    parser = SalesforceParser()
    try:
        yield parser
    finally:
        parser.close()
