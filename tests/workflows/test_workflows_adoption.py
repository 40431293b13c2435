"""What a workflow file says of items that were there before."""

from __future__ import annotations

ITEMS = "      source: order_headers\n"


def test_only_fields_of_the_business_key_are_matched(problems, example_text):
    match = "      adopt: {match: {order_number: theirs}, by_name: true}\n"
    assert problems(example_text.replace(ITEMS, ITEMS + match, 1)) == []
    wrong = match.replace("order_number", "ordr_number")
    (line,) = problems(example_text.replace(ITEMS, ITEMS + wrong, 1))
    assert "'ordr_number' is no field of the business key" in line
    assert "did you mean 'order_number'?" in line
