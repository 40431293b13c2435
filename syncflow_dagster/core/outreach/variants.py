"""Which of several texts a person gets: by chance, and the same for ever."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.core.outreach.ops import Text


def choose(person_id: int, digest: str, step: int, texts: Sequence[Text]) -> Text:
    """Return the text of a step that a person gets.

    It depends on nothing but its arguments: neither on other leads nor on the order in which they
    come. Different steps choose independently of each other.

    Args:
        person_id: The person.
        digest: Hash of the sequence's version.
        step: Index of the step.
        texts: Its texts, at least one.
    """
    seed = hashlib.sha256(f"{person_id}:{digest}:{step}".encode()).digest()
    point = int.from_bytes(seed) % sum(text.weight for text in texts)
    for text in texts:
        point -= text.weight
        if point < 0:
            return text
    raise AssertionError("the point lies within the sum of the weights")  # pragma: no cover
