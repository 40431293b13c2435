"""The page about the sandbox's people says what the sandbox does."""

from __future__ import annotations

import docs_pages

from syncflow_dagster.sandbox.unipile.delivery_plan import RETRY_AFTER_S
from syncflow_dagster.sandbox.unipile.people import Cases, PeopleSeed
from syncflow_dagster.sandbox.unipile.settings import Settings
from syncflow_dagster.sandbox.unipile.truth_verdict import verdict

PAGE = docs_pages.REFERENCE / "sandbox-people.md"


def _usual(title):
    told = {}
    for names, usual, _ in docs_pages.rows(docs_pages.sections(PAGE)[title]):
        codes = docs_pages.codes(names)
        told |= dict(zip(codes, usual.split(", "), strict=True))
    return told


def test_shares_and_cases_are_listed_with_their_usual_figures():
    listed = _usual("Behaviour")
    assert listed.pop("cases") == ""
    fields = {name: field.default for name, field in PeopleSeed.model_fields.items()}
    del fields["cases"]
    assert {name: float(usual) for name, usual in listed.items()} == fields
    cases = {name: float(usual) for name, usual in _usual("Special people").items()}
    assert cases == {name: field.default for name, field in Cases.model_fields.items()}


def test_webhook_settings_repeats_and_verdicts_are_listed():
    sections = docs_pages.sections(PAGE)
    webhooks = {name for name in Settings.model_fields if name.startswith("webhook_")}
    assert set(docs_pages.first_codes(sections["Webhooks"])) == webhooks
    *others, last = (f"{after // 60:.0f}" for after in RETRY_AFTER_S)
    assert f"after {', '.join(others)} and {last} minutes" in sections["Webhooks"]
    assert set(docs_pages.first_codes(sections["Truth"])) == set(verdict({}))
