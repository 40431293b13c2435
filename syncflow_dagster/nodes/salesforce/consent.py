"""What the org's Consent API says about people.

REST API Developer Guide, page "resources_consent": it gathers the consent of Contact, Lead,
Individual, ContactPointTypeConsent and others, and the least permissive wins.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.salesforce.asking import ask
from syncflow_dagster.nodes.salesforce.client import resource
from syncflow_dagster.nodes.salesforce.errors import LoginFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.nodes.salesforce.client import SalesforceClient

#: Ids of one request: its address may have 16,000 characters.
_MOST_IDS = 400
_SUCCESS = "Success"
#: Where the member that says whether an action could be looked up is named otherwise.
_RESULTS = {"mail": "mailingresult"}


class Consent(Enum):
    """What the org says about one action on one person.

    Of `shouldForget`, ALLOWED means that the person is to be forgotten, REFUSED that it is not.
    """

    ALLOWED = "allowed"
    REFUSED = "refused"
    UNREADABLE = "unreadable"  # never to be taken for a yes


_WORDS = {"true": Consent.ALLOWED, "false": Consent.REFUSED}


def consents(
    client: SalesforceClient, actions: Sequence[str], ids: Sequence[str]
) -> Mapping[str, Mapping[str, Consent]]:
    """Return, for each id, what the org says about each action.

    What the org refuses to tell, as a whole or of one person, is UNREADABLE.

    Args:
        client: Where to ask.
        actions: Salesforce's words: `email`, `phone`, `process`, `profile`, `shouldForget`,
            `solicit`, `track` and so on.
        ids: Record ids.

    Raises:
        SourceUnavailableError: The org cannot tell now: ask again, and do nothing until it can.
    """
    found: dict[str, Mapping[str, Consent]] = {}
    wanted = list(dict.fromkeys(ids))
    for begin in range(0, len(wanted), _MOST_IDS):
        part = wanted[begin : begin + _MOST_IDS]
        told = _told(client, actions, part)
        found |= {one: _of_one(told.get(one), actions) for one in part}
    return found


def _told(client: SalesforceClient, actions: Sequence[str], ids: Sequence[str]) -> dict[str, Any]:
    params = {"actions": ",".join(actions), "ids": ",".join(ids)}
    path = resource("consent", "multiaction")
    try:
        body = ask(client, path, "the Consent API", params=params).body
    except LoginFailed as error:
        # Nobody has been asked: that is no answer about anybody.
        raise SourceUnavailableError(str(error)) from None
    except QueryFailedError:
        return {}
    return body if isinstance(body, dict) else {}


def _of_one(told: Any, actions: Sequence[str]) -> Mapping[str, Consent]:
    proceed = told.get("proceed") if isinstance(told, dict) else None
    if not isinstance(proceed, dict) or told.get("result") != _SUCCESS:
        return dict.fromkeys(actions, Consent.UNREADABLE)
    # Asked for `shouldForget`, the org tells of `shouldforget` and `shouldForgetResult`.
    by_name = {str(name).lower(): said for name, said in proceed.items()}
    return {action: _of_action(by_name, action.lower()) for action in actions}


def _of_action(proceed: Mapping[str, Any], action: str) -> Consent:
    if proceed.get(_RESULTS.get(action, f"{action}result")) != _SUCCESS:
        # What the org then says, mostly false, is no word of the person: of `shouldForget` it
        # would allow everything.
        return Consent.UNREADABLE
    return _WORDS.get(str(proceed.get(action)).lower(), Consent.UNREADABLE)
