"""Items and subitems by the PyPI package `monday`, a request each. Runs alone, in its environment.

The package neither paces nor tries again, so what it raises is waited out and tried again here, as
long as the service asks for.
"""

from __future__ import annotations

import json
import re
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from monday import MondayClient
from monday.exceptions import MondayError
from monday.resources import base
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from collections.abc import Callable

_TRIES = 100
_ASKED = re.compile(r"(?:reset in |retry_in_seconds\W+)(\d+(?:\.\d+)?)")


def main(url: str, token: str, board: int, orders: int, lines: int) -> None:
    """Create `orders` items with `lines` subitems each."""
    base._URLS["prod"] = url  # noqa: SLF001 - it has no other way to another address
    client = MondayClient(token)
    for number in range(orders):
        values = {"record_uuid": f"item-{number}", "amount": str(number)}
        create_item = partial(client.items.create_item, board, "topics")
        item = _patient(create_item, values)
        create_subitem = partial(
            client.items.create_subitem, int(item["data"]["create_item"]["id"])
        )
        for line in range(lines):
            _patient(create_subitem, {"record_uuid": f"line-{number}-{line}", "quantity": "1"})


def _patient(create: Callable[..., dict[str, Any]], values: dict[str, str]) -> dict[str, Any]:
    for _ in range(_TRIES):
        try:
            return create(values["record_uuid"], values)
        except (MondayError, HTTPError) as error:
            asked = _ASKED.search(str(error))
            time.sleep(float(asked[1]) if asked else 0.5)
    sys.exit("monday has refused too often")


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
