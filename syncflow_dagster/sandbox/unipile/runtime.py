"""Everything of the fake Unipile that a reset renews."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.unipile.deeds import do
from syncflow_dagster.sandbox.unipile.limits import Limits
from syncflow_dagster.sandbox.unipile.seed import Member, plant
from syncflow_dagster.sandbox.unipile.settings import Settings
from syncflow_dagster.sandbox.unipile.store import UnipileStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.service import World
    from syncflow_dagster.sandbox.unipile.seed import Seed

SERVICE = "unipile"
# `GET /users/profile?identifier=...` is no route of its own: it finds the member of this slug.
_TRAP = Member(slug="profile", first_name="Pro", last_name="File", headline="Not who you meant")


class Runtime:
    """The tenant's store, its settings and counts.

    Attributes:
        on_seed: Called with each seed's `people`, and the seed's name for errors.
        on_answer: Called with each request for an account: the account's id, the operation, and
            the type of the error with which it was refused.
        on_reset: Called before the seeds are planted again; a part that keeps something of its
            own adds itself here.
        truth: What is shown as `truth` in `GET /state`, by name.
        more_stats: Parts of `GET /stats` by name.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = Settings()
        self.store = UnipileStore(world.clock)
        self.limits = Limits(self.store, world.clock, lambda: self.settings)
        self.on_seed: list[Callable[[dict[str, Any], str], None]] = []
        self.on_answer: list[Callable[[str, str, str | None], None]] = []
        self.on_reset: list[Callable[[], None]] = [self.limits.clear]
        self.truth: dict[str, Callable[[], Any]] = {}
        self.more_stats: dict[str, Callable[[], Any]] = {}
        self.counts: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self._seeds: list[tuple[Seed, str]] = []
        self.store.add_person(_TRAP.person())

    def reset(self) -> None:
        """Return to the seeded state; settings stay."""
        self.store.clear()
        for part in self.on_reset:
            part()
        for counter in (self.counts, self.operations, self.statuses):
            counter.clear()
        self.store.add_person(_TRAP.person())
        for seed, source in self._seeds:
            self._plant(seed, source)

    def add_seed(self, seed: Seed, source: str) -> None:
        """Add a seed's content; a reset brings it back.

        Raises:
            ValueError: It does not fit what is there.
        """
        self._plant(seed, source)
        self._seeds.append((seed, source))

    def _plant(self, seed: Seed, source: str) -> None:
        plant(seed, self.store)
        if seed.people is not None:
            for part in self.on_seed:
                part(seed.people, source)
        for deed in seed.deeds:
            do(deed, self.store, self.world.clock)

    def configure(self, settings: Settings) -> None:
        """Use other settings, and do the deeds they tell.

        Raises:
            ValueError: A deed is not possible; those before it are done.
        """
        self.settings = settings
        for deed in settings.deeds:
            do(deed, self.store, self.world.clock)
