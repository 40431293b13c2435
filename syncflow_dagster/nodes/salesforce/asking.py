"""Reading something that may be asked for twice: again after a moment where that may help."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.backoff import full_jitter
from syncflow_dagster.nodes.pull.ports import SourceUnavailableError
from syncflow_dagster.nodes.salesforce.answers import Answer
from syncflow_dagster.nodes.salesforce.errors import may_pass, read_error, wait_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.nodes.salesforce.client import SalesforceClient
    from syncflow_dagster.nodes.salesforce.stopping import Stop

_TRIES = 5
#: Longest wait the org may ask for before we give up instead, in seconds.
_MOST_S = 60.0
_chance = random.Random()  # noqa: S311 - jitter, not a secret


def ask(
    client: SalesforceClient,
    path: str,
    what: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: Any = None,
    stop: Stop | None = None,
) -> Answer:
    """Return the answer to a request that changes nothing, or nothing twice.

    Args:
        client: Where to ask.
        path: See `SalesforceClient.get`.
        what: What is asked, for error texts.
        params: For the query string.
        headers: Header fields.
        method: HTTP method.
        body: Sent as JSON.
        stop: Ends the request and all further tries.

    Raises:
        SourceUnavailableError: The org does not answer; or one of its kinds in `errors`.
        QueryFailedError: The org refuses.
    """
    for tries in range(1, _TRIES + 1):
        if stop is not None and stop.is_set:
            msg = f"{what}: the read is over"
            raise SourceUnavailableError(msg)
        answer = client.request(method, path, params=params, headers=headers, body=body, stop=stop)
        if isinstance(answer, Answer) and answer.ok:
            return answer
        asked = wait_of(answer) if isinstance(answer, Answer) else None
        if tries == _TRIES or not may_pass(answer) or (asked or 0) > _MOST_S:
            break
        client.wait(asked or full_jitter(tries, _chance), stop)
    raise read_error(answer, what)
