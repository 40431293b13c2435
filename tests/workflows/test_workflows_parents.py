"""Delta nodes that hang on each other: levels, lineage, and nodes that name themselves."""

from __future__ import annotations

import pytest

from syncflow_dagster.workflows.models import Workflow

TREE = (
    "    customer: customer_name\n    duplicates: reject\n    deletes",
    (
        "    customer: customer_name\n    parent: {node: order_headers, key: [po_number]}\n"
        "    duplicates: reject\n    deletes"
    ),
)


def _delta(name, parent=None):
    return {
        "type": "delta",
        "name": name,
        "description": name,
        "source": f"pull_{name}",
        "entity": name,
        "table": f"{name}_delta",
        "key": ["number"],
        "fields": [{"name": "number"}, {"name": "belongs_to"}],
        **({"parent": {"node": parent, "key": ["belongs_to"]}} if parent else {}),
    }


def _workflow(**parents):
    return Workflow.model_validate(
        {
            "workflow": "made",
            "description": "made",
            "owner": "somebody",
            "connections": {"source": {"type": "sql", "url": "sqlite:///x.db"}},
            "nodes": [_delta(name, parent) for name, parent in parents.items()],
        }
    )


def _names(nodes):
    return [node.name for node in nodes]


def test_levels_are_five_deep_and_a_parent_may_have_several_children():
    workflow = _workflow(
        step="part", part="line", note="order", line="order", order="customer",
        customer=None, address="customer", currency=None,
    )  # fmt: skip
    levels = [_names(level) for level in workflow.delta_levels]
    assert levels == [
        ["customer", "currency"],
        ["order", "address"],
        ["note", "line"],
        ["part"],
        ["step"],
    ]
    assert _names(workflow.deltas) == [name for level in levels for name in level]
    lineage = workflow.lineage(workflow.node("step"))
    assert _names(lineage) == ["step", "part", "line", "order", "customer"]


def test_a_node_may_name_itself_and_ends_a_lineage():
    workflow = _workflow(product="category", category="category")
    assert [_names(level) for level in workflow.delta_levels] == [["category"], ["product"]]
    assert _names(workflow.lineage(workflow.node("product"))) == ["product", "category"]
    assert _names(workflow.lineage(workflow.node("category"))) == ["category"]
    assert workflow.node("category").is_own_parent
    assert not workflow.node("product").is_own_parent


def test_nodes_that_are_each_other_s_parents_lead_nowhere():
    with pytest.raises(ValueError, match="lead nowhere"):
        _ = _workflow(a="b", b="a").delta_levels


def test_items_may_be_a_tree(load, example_text):
    right, tree = TREE
    assert right in example_text
    loaded = load(example_text.replace(right, tree, 1))
    assert _names(loaded.workflow.deltas) == ["order_headers", "order_lines"]
