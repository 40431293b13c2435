"""Policy files: what is wrong in them, with line and column; a hash that knows only the meaning."""

from __future__ import annotations

import pytest

from syncflow_dagster.workflows.models.policy import Policy
from syncflow_dagster.workflows.policy import load_policy

GOOD = """\
policy: champions
version: 3
owner: Privacy team
purposes:
  tracking:
    description: Know where our contacts work
    lawful_basis: legitimate_interests
    lia_ref: ${LIA}
    ask: [process, profile]
subjects:
  Contact: {}
  Account: {person: false}
writes:
  Contact: [Champion_Status__c, Champion_Tags__c]
approval:
  approvers: [Ida, Uwe]
"""
ENVIRON = {"LIA": "LIA-7"}


def load(tmp_path, text):
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path, ENVIRON)


def test_a_policy_is_read_and_its_hash_knows_only_what_it_says(tmp_path):
    policy = load(tmp_path, GOOD)
    assert isinstance(policy, Policy)
    assert policy.purposes["tracking"].lia_ref == "LIA-7"
    assert policy.may_write("contact", "champion_tags__C")
    assert not policy.may_write("Contact", "OwnerId")
    assert not policy.may_write("Lead", "Champion_Tags__c")
    held = policy.model_copy(update={"writes": {"CommSubscriptionConsent": ["Name"]}})
    assert not held.may_write("CommSubscriptionConsent", "Name")
    assert policy.purpose_rules("other") is None
    assert policy.subject_rules("Lead") is None
    assert policy.subject_rules("CONTACT").fields == {
        "HasOptedOutOfEmail": False,
        "DoNotCall": False,
    }
    account = policy.subject_rules("Account")
    assert (account.person, account.fields, account.emails) == (False, {}, ())

    laid_out = GOOD.replace("ask: [process, profile]", "ask:  # why\n    - profile\n    - process")
    laid_out = laid_out.replace(
        "version: 3\nowner: Privacy team", "owner: 'Privacy team'\nversion: 3"
    )
    laid_out = laid_out.replace("[Ida, Uwe]", "[Uwe, Ida]\n  four_eyes: true")
    assert load(tmp_path, laid_out).hash == policy.hash
    for old, new in (("version: 3", "version: 4"), ("Uwe", "Eva"), ("profile]", "solicit]")):
        assert load(tmp_path, GOOD.replace(old, new)).hash != policy.hash


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  tracking:", "  tracking: &t", None),
        ("lawful_basis", "lawfull_basis", "7:5: purposes.tracking.lawfull_basis: unknown key"),
        ("lawful_basis", "lawfull_basis", "did you mean 'lawful_basis'"),
        ("profile]", "profil]", "9:20: purposes.tracking.ask.1: 'profil' is not one of"),
        ("    lia_ref: ${LIA}\n", "", "7:5: purposes.tracking.lawful_basis: legitimate interests"),
        ("${LIA}", "${NONE}", "8:5: purposes.tracking.lia_ref: environment variable is not set"),
        ("Contact: {}", "Contact: {person: false}", "11:13: subjects.Contact.person: records of"),
        ("Contact: {}", "Contact: {consents: []}", None),
        (
            "legitimate_interests",
            "consent\n    data_use_purpose: CRM",
            None,
        ),
        ("version: 3", "version: three", "2:1: version: must be a whole number"),
        ("Champion_Status__c", "DoNotCall", "14:13: writes.Contact.0: Contact.DoNotCall says"),
        ("Champion_Status__c", "hasOptedOutOfFax", "writes.Contact.0: Contact.hasOptedOutOfFax"),
        ("Champion_Status__c", "PersonHasOptedOutOfEmail", "writes.Contact.0: Contact.Person"),
        ("Champion_Status__c", "ShouldForget", "writes.Contact.0: Contact.ShouldForget says"),
        ("  Contact: [Champion_Status__c", "  Individual: [X__c", "14:16: writes.Individual.0"),
        (
            "  Contact: [Champion_Status__c",
            "  ContactPointTypeConsent: [Name",
            "writes.ContactPointTypeConsent.0",
        ),
        ("  Contact: [Champion_Status__c", "  Consent_Log__c: [X__c", None),
        (
            "{}",
            "{consent_fields: {DoNotCall: true}}",
            "consent_fields.DoNotCall: DoNotCall refuses",
        ),
        ("{}", "{consent_fields: {Opted_In__c: true}}", None),
        ("Champion_Status__c", "Champion Status", "14:13: writes.Contact.0: must be an API name"),
        ("approvers: [Ida, Uwe]", "four_eyes: true", "16:3: approval: nobody may approve"),
        ("approvers: [Ida, Uwe]", "auto_up_to: 9999", "16:3: approval.auto_up_to: is more than"),
        (GOOD, "", "1:1: file: the file is empty; begin it with 'policy: its_name'"),
        (GOOD, "- a", "1:1: file: a policy is a mapping"),
        (GOOD, "a: [", "file: the file is no valid YAML"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, old, new, told):
    assert old in GOOD
    loaded = load(tmp_path, GOOD.replace(old, new))
    if told is None:
        assert isinstance(loaded, Policy)
        return
    texts = [str(problem) for problem in loaded.problems]
    assert any(told in text for text in texts), texts


def test_consent_as_a_basis_needs_a_place_where_it_is_read(tmp_path):
    text = GOOD.replace("legitimate_interests", "consent").replace("{}", "{consents: []}")
    [problem] = load(tmp_path, text).problems
    assert "no subject has 'consents'" in str(problem)
    assert "no such file" in str(load_policy(tmp_path / "none.yaml", {}).problems[0])
