"""The poll of connections: the newest page, a few times a day, and back to what is known.

Unipile's own advice is the first page, at random times, after all have been read once
(developer.unipile.com/docs/detecting-accepted-invitations). That the list begins with the newest
is seen, not promised: a page is read to its end, and the next one only where all of it was new.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach import slugs
from syncflow_dagster.core.outreach.matching import Sighting
from syncflow_dagster.nodes.linkedin.inbox_report import Word
from syncflow_dagster.nodes.linkedin.polls_pages import Listing
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.polls_context import Polling
    from syncflow_dagster.nodes.linkedin.shapes import Relation

    Connection = psycopg.Connection[DictRow]

#: Items of a page and pages, with each poll, and when all are read for the first time.
_PAGE, _PAGES = 100, 5
_FULL_PAGE, _FULL_PAGES = 1_000, 40


def poll_relations(polling: Polling, *, full: bool) -> bool:
    """Read the newest connections and let leads be connected.

    Args:
        polling: The poll.
        full: Read all of them, as far as that goes, as nothing is known yet.

    Returns:
        Whether it came to its end, so that the next poll may begin from what is known.
    """
    size, most = (_FULL_PAGE, _FULL_PAGES) if full else (_PAGE, _PAGES)
    listing: Listing[Relation] = Listing(
        lambda cursor: polling.api.relations(cursor, limit=size),
        lambda one: (one.provider_id, one.slug),
        most,
        polling.time,
    )
    is_through = False
    pages: list[Sequence[Relation]] = []
    with polling.part("relations", listing):
        for page in listing.read():
            pages.append(page)
            all_new = _take_page(polling, page)
            crash_point("poll.page_committed")
            if not full and not all_new:
                break
        is_through = not polling.time.is_up
    if is_through:
        # Only now: the next poll reads no further than to what is known.
        for known in pages:
            _keep(polling, known)
    for row in polling.rows("connected_unnoticed"):
        polling.do(partial(_connect, polling, row["lead_id"], row["connected_at"]))
    return is_through


def _take_page(polling: Polling, page: Sequence[Relation]) -> bool:
    """Take in a page; return whether all of it was new."""
    for relation in _of_leads(polling, page):
        polling.do(partial(_take, polling, relation))
    ids = [one.provider_id for one in page if one.provider_id is not None]
    return not polling.rows("known_relations", provider_ids=ids)


def _keep(polling: Polling, page: Sequence[Relation]) -> None:
    known = {one.provider_id: one for one in page if one.provider_id is not None}
    given = {
        "provider_ids": list(known),
        "slugs": [slugs.slug(one.slug) for one in known.values()],
        "connected": [one.created_at for one in known.values()],
    }
    polling.write("keep_relations", **given, now=polling.now())


def _of_leads(polling: Polling, page: Sequence[Relation]) -> list[Relation]:
    """Return the connections that may be leads of this account."""
    given = {
        "provider_ids": [one.provider_id for one in page if one.provider_id],
        "slugs": [slug for one in page if (slug := slugs.slug(one.slug))],
        "accounts": polling.account,
    }
    rows = polling.rows("leads_on_page", **given)
    ids = {row["provider_id"] for row in rows} - {None}
    names = {row["slug"] for row in rows} - {None}
    return [one for one in page if one.provider_id in ids or slugs.slug(one.slug) in names]


def _take(polling: Polling, relation: Relation, conn: Connection) -> Word:
    now = polling.now()
    seen = Sighting(polling.service_id, relation.provider_id, slug=relation.slug)
    at = min(relation.created_at or now, now)
    return polling.detection.related(conn, seen, at, now, "relations")


def _connect(polling: Polling, lead_id: int, at: datetime, conn: Connection) -> Word:
    lead = polling.run.leads.lock(conn, lead_id)
    now = polling.now()
    if lead is None:
        return Word.NOBODY
    return polling.detection.connect(conn, lead, min(at, now), now, "relations")
