"""The commands about persons, as their user types them, on a real database."""

from __future__ import annotations

import json

from click.testing import CliRunner
from compliance_cases import ANN, BOB, CID, SECRET

from syncflow_dagster.cli import main
from syncflow_dagster.demo.world import WORKFLOWS


def test_lists_are_kept_asked_and_survive_erasing(database_url, tmp_path):
    variables = {"SYNCFLOW_DATABASE_URL": database_url, "SYNCFLOW_PRIVACY_KEY": SECRET}

    def run(*arguments, code=0, **more):
        result = CliRunner().invoke(main, list(arguments), env={**variables, **more})
        assert result.exit_code == code, result.output
        return result

    def told(*arguments, **more):
        return json.loads(run(*arguments, "--json", **more).stdout.splitlines()[-1])

    who = ("--reason", "asked by telephone", "--actor", "Ida")
    file = tmp_path / "addresses.txt"
    file.write_text("Ann@A.test\n\n bob@b.test \n", encoding="utf-8")
    assert told("suppress", "add", "--emails-from", str(file), "--record", ANN, *who) == {
        "list": "do_not_contact",
        "action": "add",
        "entries": 3,
    }
    # A list that counts nowhere is a slip of the hand, unless it is said to be meant.
    rules = (WORKFLOWS / "champion_tracking" / "policy.yaml").read_text(encoding="utf-8")
    rules += "suppression_lists: [no_champions]\n"
    (tmp_path / "policy.yaml").write_text(rules, encoding="utf-8")
    folder = {"SYNCFLOW_WORKFLOWS": str(tmp_path)}
    wrong = run("suppress", "add", "--list", "no_champion", "--record", CID, *who, code=1, **folder)
    assert "these do: do_not_contact, no_champions." in wrong.output
    for one in ("no_champions", "no_champion"):
        flag = () if one == "no_champions" else ("--new-list",)
        run("suppress", "add", "--list", one, *flag, "--record", CID, *who, **folder)
    assert "1 revoked from" in run("suppress", "revoke", "--email", "bob@b.test", *who).output
    listed = run("suppress", "list").stdout
    assert listed.startswith("6 entries")
    assert "by Ida: asked by telephone" in listed
    assert "@" not in listed
    assert told("suppress", "check", "--email", "ann@a.test")["lists"] == ["do_not_contact"]
    assert told("suppress", "check", "--email", "bob@b.test")["lists"] == []
    assert "on no list" in run("suppress", "check", "--phone", "+49 30 1234567").stdout

    assert told("person", "erase", "--record", BOB, "--email", "bob@b.test", *who) == {
        "erasure_id": 1,
        "rows": {},
        "identifiers": 2,
        "unfinished": 0,
    }
    assert told("suppress", "check", "--record", BOB[:15])["erased"]
    held = json.loads(run("person", "export", "--email", "Bob@b.test").stdout)
    assert [one["action"] for one in held["suppression"]] == ["revoke", "add"]
    assert [one["reason"] for one in held["erasures"]] == ["asked by telephone"]
    assert run("person", "verify").stdout == "no decisions\n"

    assert "no usable email" in run("suppress", "check", "--email", "ann", code=1).output
    assert "name somebody" in run("person", "export", code=2).output
    wrong = run("suppress", "list", code=1, SYNCFLOW_PRIVACY_KEY="x" * 40)
    assert "holds another key" in wrong.output
    missing = run("suppress", "list", code=1, SYNCFLOW_PRIVACY_KEY="")
    assert "SYNCFLOW_PRIVACY_KEY is not set" in missing.output
