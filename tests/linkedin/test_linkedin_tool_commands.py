"""The commands by which outreach is steered, from the command line to the database."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner
from inbox_cases import ANNA, NOW, Leads, make_run

from syncflow_dagster.cli import main
from syncflow_dagster.commands.inbox import _secrets


@pytest.fixture
def run(database, tmp_path, monkeypatch):
    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", database.url)
    monkeypatch.setenv("SYNCFLOW_WORKFLOWS", str(tmp_path))
    monkeypatch.setenv("T", "t")
    monkeypatch.setenv("S", "0123456789abcdef")
    return make_run(database, tmp_path)


def called(*words, code=0):
    """Call a command; return the object of its last line, or what it says was wrong."""
    result = CliRunner().invoke(main, ["outreach", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output if code else json.loads(result.stdout.splitlines()[-1])


def test_leads_are_steered_by_commands(run, database, tmp_path):
    leads = Leads(database)
    review = leads.add("needs_review", reason="the chat is closed")
    sent = leads.add("needs_review")
    leads.effect(sent, "message", "NEEDS_PERSON", text="Hello", sent_at=NOW)
    who = ("--by", "Ann", "--reason", "because", "--json")

    listed = called("leads", "outreach", "--state", "needs_review", "--account", "anna", "--json")
    assert [one["lead_id"] for one in listed["leads"]] == [review, sent]
    found = called("leads", "outreach", "--who", "https://linkedin.com/in/Jane-1", "--json")
    assert found["total"] == 1
    assert len(called("stuck", "outreach", "--json")["waiting"]) == 2
    file = tmp_path / "stuck.csv"
    assert called("export-stuck", "outreach", file, "--json")["leads"] == 2
    rows = list(csv.DictReader(file.open()))
    assert rows[0]["reason"] == "the chat is closed"
    assert "jane" not in file.read_text()

    assert called("mark-sent", sent, "--id", "m9", *who)["lead"] == sent
    assert "is connected again" in called("requeue", review, *who)["told"]
    called("pause", review, *who)
    called("resume", review, *who)
    called("skip", review, *who)
    called("cancel", review, *who)
    told = called("cancel", review, *who, code=1)
    assert f"lead {review} is cancelled (because): it is at its end" in told
    assert "'nonsense' is not one of" in called("leads", "outreach", "--state", "nonsense", code=2)
    assert "has no lead" in called("leads", "other", "--lead", review, code=2)
    assert "cannot be written" in called(
        "export-stuck", "outreach", file.parent / "a" / "b", code=1
    )
    assert "there is no lead 99" in called("withdraw", 99, *who, code=1)

    called("stop", "--all", *who)
    assert "is stopped by Ann" in called("stop", "--all", *who, code=1)
    called("pause", "--account", ANNA, *who)
    assert "spelled right?" in called("pause", "--node", "outreach.stepz", *who)["told"]
    stopped = called("stuck", "outreach", "--json")["stopped"]
    assert [one["scope"] for one in stopped] == ["*", ANNA, "outreach.stepz"]
    assert "name exactly one of a lead" in called("pause", review, "--account", ANNA, *who, code=2)
    told = called("stop", "--all", "--by", " ", "--reason", "", code=2)
    assert "say who wants it (by) and why (reason)" in told
    life = called("leads", "outreach", "--lead", review, "--json")
    done = [one["what"] for one in life["events"] if one["what"] != "state"]
    assert done == ["requeue", "pause", "resume", "skip", "cancel"]
    noted = database.fetch_all("select action, actor from outreach_intervention order by 1")
    assert {one["actor"] for one in noted} == {"Ann"}
    assert len(noted) == 9

    assert _secrets([run.loaded]) == {"default": "0123456789abcdef"}
