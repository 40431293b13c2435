from __future__ import annotations

import docs_pages
import pytest

from syncflow_dagster.core.consent.verdict import REASONS
from syncflow_dagster.workflows.models.policy import Approval, Policy, Purpose, Subject
from syncflow_dagster.workflows.policy import load_policy

PAGE = docs_pages.REFERENCE / "policy.md"
SECTIONS = docs_pages.sections(PAGE)


@pytest.mark.parametrize("model", [Policy, Purpose, Subject, Approval])
def test_every_key_of_a_policy_is_listed_with_its_default(model):
    listed = {
        docs_pages.codes(cells[0])[0]: cells[1]
        for cells in docs_pages.rows(SECTIONS[model.__name__])
    }
    assert set(listed) == set(model.model_fields)
    for key, field in model.model_fields.items():
        assert (listed[key] == "required") == field.is_required(), key
        if isinstance(field.default, int | float | str):
            shown = str(field.default)
            assert listed[key] == f"`{shown.lower() if field.annotation is bool else shown}`", key


def test_every_reason_is_listed_and_no_other():
    assert docs_pages.first_codes(SECTIONS["Reasons"]) == list(REASONS)


def test_the_example_is_a_policy(tmp_path):
    [example] = docs_pages.fences(PAGE, "text")
    path = tmp_path / "policy.yaml"
    path.write_text(example.text, encoding="utf-8")
    policy = load_policy(path, {})
    assert isinstance(policy, Policy), policy.problems
    assert policy.may_write("TopicAssignment", "TopicId")
