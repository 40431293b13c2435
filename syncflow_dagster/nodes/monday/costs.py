"""What requests cost, in complexity points.

Source: monday staff in the developer community on field weights (a mutation 30,000, an object 10,
a scalar 1), confirmed by the error sample "query cost 30001" in monday's changelog. The service's
own word in every answer corrects what we reckon here.
"""

from __future__ import annotations

MUTATION = 30_000
OBJECT = 10
SCALAR = 1
#: `items_page_by_column_values`, and a page of items with values, dearest case seen.
KEY_SEARCH = 100_000
READ = 15_000

#: Points a window holds for the smallest accounts; larger ones are learnt from the first answer.
FIRST_COMPLEXITY = 1_000_000
#: Requests per minute of the smallest plan.
FIRST_REQUESTS = 1_000
WINDOW_S = 60.0

#: Names of the budgets, as monday's RateLimit headers call them.
COMPLEXITY_BUDGET = "complexityMinute"
REQUEST_BUDGET = "minuteRate"


def mutations(count: int) -> int:
    """Return the points of a document of `count` mutations that each ask for an id."""
    return count * (MUTATION + OBJECT + SCALAR)
