"""Fields of a delta node and of an object: what does not fit, read and written, and proposals."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.normalise.mapping import lookup
from syncflow_dagster.core.normalise.strings import normalise
from syncflow_dagster.core.soql.paths import find_field
from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo
from syncflow_dagster.core.soql.where import Path
from syncflow_dagster.nodes.salesforce.fields import check_reading, mirrors
from syncflow_dagster.nodes.salesforce.propose import delta_lines, field_name, tag_lines
from syncflow_dagster.nodes.salesforce.way_back import (
    NoWayBackError,
    WayBack,
    check_writing,
    no_way_back,
)
from syncflow_dagster.workflows.models import DeltaNode

_FIXED = {"createable": False, "updateable": False}
ACCOUNT = ObjectInfo("Account", (FieldInfo("Name", "string", length=255),))
CONTACT = ObjectInfo(
    "Contact",
    (
        FieldInfo("Id", "id", "Contact ID", 18, nillable=False, **_FIXED),
        FieldInfo("LastName", "string", "Last Name", 80, nillable=False),
        FieldInfo("Email", "email", "Email", 80),
        FieldInfo("Title", "string", "Job\nTitle", 128),
        FieldInfo("Notes__c", "textarea", "Notes", 32_000),
        FieldInfo("AccountId", "reference", "Account", 18, reference_to=("Account",),
                  relationship_name="Account"),
        FieldInfo("Amount__c", "currency", "Amount", precision=18, scale=4),
        FieldInfo("Visits__c", "double", "Visits", precision=9, scale=0),
        FieldInfo("Flag__c", "boolean", "Flag", nillable=False),
        FieldInfo("Born__c", "date", "Born"),
        FieldInfo("Status__c", "picklist", "Status", 255, picklist=("New", "Gone"),
                  restricted=True),
        FieldInfo("Place__c", "address", "Place"),
        FieldInfo("Score__c", "double", "Score", scale=2, calculated=True, **_FIXED),
        FieldInfo("SystemModstamp", "datetime", "Stamp", nillable=False, **_FIXED),
    ),
)  # fmt: skip


class _Org:
    def object(self, name):
        return {"account": ACCOUNT, "contact": CONTACT}.get(name.lower())

    def names(self):
        return ["Account", "Contact"]


def _delta(*fields, key="id"):
    return DeltaNode.model_validate(
        {
            "type": "delta",
            "name": "contact_delta",
            "description": "x",
            "source": "contacts",
            "entity": "contact",
            "table": "contact_delta",
            "key": [key],
            "fields": [{"name": "id", "column": "Id"}, *fields],
        }
    )


def _mirrored(delta):
    return mirrors(delta, CONTACT, _Org(), ("nodes", 1))


def _reading(**field):
    delta = _delta({"name": "x", **field})
    return [(one.kind, one.loc[3:], one.warning) for one in check_reading(delta, _mirrored(delta))]


def _way(**field):
    rule = _delta({"name": "x", **field}).fields[1]
    return WayBack(rule, rule, find_field(rule.source_column, CONTACT, _Org(), ()), (), ())


def _writing(*, named=False, clears=False, **field):
    found = check_writing([_way(**field)], named=named, clears=clears)
    return [(one.kind, one.warning) for one in found]


def test_fields_hold_what_is_read_or_it_is_told():
    assert _reading(column="Email") == []
    assert _reading(column="Visits__c", type="integer") == []
    assert _reading(column="Born__c", type="text") == []
    assert _reading(column="Email", max_length=40) == [("too_short", (1, "max_length"), True)]
    assert _reading(column="Amount__c", type="decimal") == [("rounded", (1,), True)]
    assert _reading(column="Amount__c", type="integer") == [("nearly_fits", (1, "type"), True)]
    assert _reading(column="SystemModstamp", type="date") == [("nearly_fits", (1, "type"), True)]
    assert _reading(column="Title", type="integer") == [("nearly_fits", (1, "type"), True)]
    for column in ("Flag__c", "AccountId", "Status__c"):
        assert _reading(column=column, type="integer") == [("wrong_type", (1, "type"), False)]
    constant = {"type": "constant", "value": "1"}
    assert _reading(column=None, transform=constant, type="integer") == []
    keyed = _delta({"name": "email", "column": "Email"}, key="email")
    assert [one.kind for one in check_reading(keyed, _mirrored(keyed))] == ["empty_key"]


def test_the_same_fields_are_checked_for_the_way_back():
    assert _writing(column="Title", max_length=128) == []
    assert _writing(column="Title") == [("too_long", True)]
    assert _writing(column="Title", max_length=129) == [("too_long", True)]
    assert _writing(column="Amount__c", type="decimal", scale=6) == [("too_fine", True)]
    assert _writing(column="Born__c", type="text") == [("wrong_type", False)]
    assert _writing(column="Flag__c", type="date") == [("wrong_type", False)]
    assert _writing(column="Status__c", max_length=9) == [("restricted_picklist", True)]
    assert _writing(column="AccountId") == []
    for column in ("Score__c", "Account.Name", "Id"):
        assert _writing(column=column) == [("not_writable", True)]
        assert _writing(column=column, named=True) == [("not_writable", False)]
    name = {"column": "LastName", "max_length": 80}
    assert _writing(**name, clears=True) == [("required_field", True)]
    assert _writing(**name, clears=True, required=True) == []
    twice = [_way(**name), replace(_way(**name), rule=_delta({"name": "y", **name}).fields[1])]
    assert [one.kind for one in check_writing(twice)] == ["written_twice"]


LOOKUP = {"type": "lookup", "values": {"New": "n", "Gone": "g"}}


def test_a_lookup_whose_table_is_one_to_one_is_read_from_right_to_left():
    status = {"column": "Status__c", "case": "upper", "transform": LOOKUP}
    way = _way(**status)
    assert (way.value("N"), way.value(None), _writing(**status)) == ("New", None, [])
    with pytest.raises(NoWayBackError, match="the lookup of x gives no such text"):
        way.value("n")
    kept = _way(**status | {"transform": {**LOOKUP, "otherwise": "keep"}})
    assert (kept.value("G"), kept.value("Other")) == ("Gone", "Other")
    with pytest.raises(NoWayBackError):
        kept.value("New")
    lost = {**LOOKUP, "values": {**LOOKUP["values"], "Lost": "l"}, "otherwise": "null"}
    assert _writing(**status | {"transform": lost}) == [("restricted_picklist", True)]
    nulls = _writing(**status | {"transform": lost}, clears=True)
    assert nulls[1:] == [("null_is_no_value", True)]
    assert _writing(column="Born__c", transform=LOOKUP) == [("wrong_type", False)]


TEXTS = st.sampled_from(["New", "Gone", "new", "n", "N", "g", "other"])


@settings(max_examples=40)
@given(
    table=st.dictionaries(TEXTS, TEXTS, min_size=1),
    otherwise=st.sampled_from(["keep", "null", "reject"]),
    case=st.sampled_from(["keep", "upper", "lower"]),
    text=TEXTS,
)
def test_what_a_lookup_takes_back_it_gives_again(table, otherwise, case, text):
    transform = {"type": "lookup", "values": table, "otherwise": otherwise}
    way = _way(column="Title", case=case, transform=transform)

    def read(one):
        found = lookup(pl.Series([one]), table, otherwise).values
        return normalise(found, "collapse", case, "null").values.to_list()[0]

    # What stands in a row has been through the declaration.
    stands = read(text)
    settled = [read(one) for one in table]
    assert (no_way_back(_delta(), way.rule) is None) == (len(set(settled)) == len(settled))
    if stands is None or no_way_back(_delta(), way.rule) is not None:
        return
    try:
        assert read(way.value(stands)) == stands
    except NoWayBackError:
        assert otherwise == "keep"


def test_what_other_transforms_made_cannot_be_taken_apart():
    def reason(**field):
        delta = _delta({"name": "x", "column": "Title", **field})
        return no_way_back(delta, delta.fields[1])

    assert reason() is None
    assert reason(transform=LOOKUP) is None
    assert "(concat)" in reason(transform={"type": "concat", "columns": ["a", "b"]}, column=None)
    assert "(constant)" in reason(transform={"type": "constant", "value": "1"}, column=None)
    assert "makes no texts" in reason(transform=LOOKUP, type="integer")
    twice = {**LOOKUP, "values": {"New": "n", "Gone": "N"}}
    assert reason(transform=twice) is None
    assert "one text for several" in reason(transform=twice, case="upper")


def test_a_proposal_has_names_types_and_what_is_to_be_known():
    own = [Path((one.name,), one) for one in CONTACT.fields if one.type != "address"]
    parent = Path(("Account", "Name"), ACCOUNT.fields[0])
    text = "\n".join(delta_lines(CONTACT, [*own, parent]))
    part = yaml.safe_load(text)
    fields = {one["name"]: one for one in part["fields"]}
    assert part["key"] == ["id"]
    assert part["detection"]["rowversion"] == "system_modstamp"
    assert fields["notes"]["whitespace"] == "keep"
    assert fields["amount"] == {
        "name": "amount", "type": "decimal", "column": "Amount__c", "scale": 4
    }  # fmt: skip
    assert fields["visits"]["type"] == "integer"
    assert fields["account_name"]["column"] == "Account.Name"
    assert "# Job Title; string(128)" in text
    assert "calculated" in text
    assert "values: New, Gone" in text
    assert _delta(*part["fields"][1:])
    assert field_name("LinkedIn__c") == "linked_in"
    assert field_name("HasOptedOutOfEmail") == "has_opted_out_of_email"
    assert field_name("Past_Account__r.Name") == "past_account_name"
    assert field_name("State") == "state_value"


def test_fields_are_matched_to_an_object_by_names_and_types():
    delta = _delta(
        {"name": "lastname", "max_length": 80},
        {"name": "job_titel", "max_length": 200},
        {"name": "born", "type": "date"},
        {"name": "notes"},
        {"name": "colour"},
    )
    text = "\n".join(tag_lines(delta, [delta], CONTACT))
    rules = {one["name"]: one for one in yaml.safe_load(text)["rules"]}
    # The column is a field of the object: the declaration is the mapping.
    assert rules["contact_delta_fields"] == {
        "name": "contact_delta_fields", "record": "id", "purpose": "PURPOSE",
        "tag": {"type": "fields", "mapping": "contact_delta", "only": ["lastname"]},
    }  # fmt: skip
    assert rules["notes"]["tag"] == {"type": "text", "field": "Notes__c", "value": "{notes}"}
    assert "  # - name: job_titel\n" in text
    assert "close; Title takes 128 characters" in text
    assert "not as a text: born and Born__c" in text
    assert "no field of Contact for colour" in text
    assert "needs LastName" not in text
    assert "a new Contact needs LastName" in "\n".join(tag_lines(_delta(), [], CONTACT))

    # Another node's declaration is taken, where it says more.
    other = _delta({"name": "born", "type": "date", "column": "Born__c"}, {"name": "lastname"})
    other = other.model_copy(update={"name": "read_contacts"})
    [rule, *_] = yaml.safe_load("\n".join(tag_lines(delta, [delta, other], CONTACT)))["rules"]
    assert rule["tag"] == {
        "type": "fields",
        "mapping": "read_contacts",
        "only": ["born", "lastname"],
    }
