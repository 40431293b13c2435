"""Everything of the fake org that a reset renews."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.edits import Editor
from syncflow_dagster.sandbox.salesforce.locators import Locators
from syncflow_dagster.sandbox.salesforce.org import Org
from syncflow_dagster.sandbox.salesforce.people_seed import make_people
from syncflow_dagster.sandbox.salesforce.seed import plant
from syncflow_dagster.sandbox.salesforce.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.salesforce.seed import Seed
    from syncflow_dagster.sandbox.salesforce.settings import Settings
    from syncflow_dagster.sandbox.service import World

_DAY_S = 86_400


class Runtime:
    """The org, its sessions, cursors, quota and counts.

    Attributes:
        on_reset: Called when the org goes back to its seeded state; a part that keeps
            something of its own, such as jobs, adds itself here.
        more_stats: Parts of `GET /stats` by name.
        truth: What the seeds' makers know about the people: see `people_seed`.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.org = Org(world)
        self.editor = Editor(self.org)
        self.sessions = Sessions(world.clock)
        self.locators = Locators(world.clock, lambda: self.settings)
        self.on_reset: list[Callable[[], None]] = []
        self.more_stats: dict[str, Callable[[], Any]] = {}
        self.truth: dict[str, Any] = {}
        self.counts: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.operations: Counter[str] = Counter()
        self._seeds: list[tuple[Seed, str]] = []
        self._due: list[Seed] = []
        self._day = -1
        self._used = 0

    @property
    def settings(self) -> Settings:
        """The present settings."""
        return self.org.settings

    def reset(self) -> None:
        """Return to the seeded state; settings stay."""
        self.org.clear()
        self.truth = {}
        for seed, source in self._seeds:
            plant(seed, self.org, source)
        self._due = [seed for seed, _ in self._seeds]
        self.sessions.reset()
        self.locators.clear()
        for counter in (self.counts, self.statuses, self.operations):
            counter.clear()
        self._used = 0
        for part in self.on_reset:
            part()

    def add_seed(self, seed: Seed, source: str) -> None:
        """Add a seed's records; a reset brings them back.

        Raises:
            SeedError: They do not fit what is there; nothing was added.
        """
        plant(seed, self.org, source)
        self._seeds.append((seed, source))
        self._due.append(seed)

    def settle(self) -> None:
        """Make the people that the seeds ask for, which nobody pays for who asks nothing."""
        due, self._due = self._due, []
        for seed in due:
            if seed.people is not None:
                make_people(seed.people, self.org, self.truth)

    def configure(self, settings: Settings) -> None:
        """Use other settings, and do the edits they tell.

        Raises:
            ValueError: An edit is not possible; those before it are done.
        """
        self.settle()
        self.org.settings = settings
        for edit in settings.edits:
            self.editor.do(edit)

    # -- quota -----------------------------------------------------------------------------

    def use_request(self) -> bool:
        """Count a request of the day; whether the quota had room for it."""
        self._turn_day()
        if self._used >= self.settings.daily_requests:
            return False
        self._used += 1
        return True

    @property
    def used(self) -> int:
        """Requests of the present day."""
        self._turn_day()
        return self._used

    @property
    def limit_info(self) -> str:
        """The header `Sforce-Limit-Info`."""
        return f"api-usage={self.used}/{self.settings.daily_requests}"

    def _turn_day(self) -> None:
        day = int(self.world.clock.limit_time() // _DAY_S)
        if day != self._day:
            self._day, self._used = day, 0
