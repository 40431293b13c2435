"""A workflow file as a whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from syncflow_dagster.workflows.models.common import Model, Slug, Text
from syncflow_dagster.workflows.models.connections import Connection
from syncflow_dagster.workflows.models.delta import DeltaNode
from syncflow_dagster.workflows.models.identity import IdentityNode
from syncflow_dagster.workflows.models.linkedin import LinkedInStepNode
from syncflow_dagster.workflows.models.monday import MondayPushNode
from syncflow_dagster.workflows.models.pull import PullNode
from syncflow_dagster.workflows.models.salesforce import SalesforcePullNode
from syncflow_dagster.workflows.models.tag import TagNode
from syncflow_dagster.workflows.models.triggers import Calendar, Trigger, Turns, Windows
from syncflow_dagster.workflows.models.upkeep import Retention, StuckAfter

AnyNode = (
    PullNode
    | SalesforcePullNode
    | DeltaNode
    | IdentityNode
    | MondayPushNode
    | TagNode
    | LinkedInStepNode
)
Node = Annotated[AnyNode, Field(discriminator="type")]


class Workflow(Model):
    """A declared graph of nodes with one owner and its triggers; one file holds one workflow."""

    workflow: Slug = Field(description="Name of the workflow, unique among all files.")
    description: Text = Field(description="What it does, in a sentence for people.")
    owner: Slug = Field(description="User or team the workflow belongs to.")
    connections: dict[Slug, Connection] = Field(
        min_length=1, description="Accounts at services and databases, by name."
    )
    triggers: list[Trigger] = Field(
        default_factory=list, description="What makes the workflow run; none: only by hand."
    )
    calendars: dict[Slug, Calendar] = Field(
        default_factory=dict, description="Calendars of business days, by name."
    )
    windows: Windows | None = Field(
        None, description="When the workflow may be at work; none: always."
    )
    turns: Turns = Field(Turns(), description="Whose turn it is when several want to work.")
    retention: Retention = Field(
        Retention(), description="What becomes of what is long over: kept, moved or deleted."
    )
    stuck_after: StuckAfter = Field(
        StuckAfter(), description="How long a change may stay in one state."
    )
    nodes: list[Node] = Field(min_length=1, description="What is done, in any order.")

    @property
    def pulls(self) -> list[PullNode]:
        """The pull nodes, in the file's order."""
        return [node for node in self.nodes if isinstance(node, PullNode)]

    @property
    def deltas(self) -> list[DeltaNode]:
        """The delta nodes, parents before children.

        Raises:
            ValueError: See :attr:`delta_levels`.
        """
        return [node for level in self.delta_levels for node in level]

    @property
    def delta_levels(self) -> list[list[DeltaNode]]:
        """The delta nodes by depth: those without a parent first, then their children, and so on.

        A node whose records have parents among themselves stands where it would without a parent.

        Raises:
            ValueError: A parent is missing, or several nodes are each other's parents; the loader
                lets no such file through.
        """
        left = [node for node in self.nodes if isinstance(node, DeltaNode)]
        placed: set[str] = set()
        levels = []
        while left:
            level = [
                node
                for node in left
                if node.parent is None or node.is_own_parent or node.parent.node in placed
            ]
            if not level:
                msg = f"the parents of the delta nodes of {self.workflow!r} lead nowhere"
                raise ValueError(msg)
            levels.append(level)
            placed |= {node.name for node in level}
            left = [node for node in left if node.name not in placed]
        return levels

    def lineage(self, node: DeltaNode) -> list[DeltaNode]:
        """Return a delta node, its parent, the parent's parent and so on, each once."""
        line = [node]
        while (last := line[-1]).parent is not None and not last.is_own_parent:
            parent = self.node(last.parent.node)
            assert isinstance(parent, DeltaNode)
            line.append(parent)
        return line

    @property
    def pushes(self) -> list[MondayPushNode]:
        """The Monday push nodes, in the file's order."""
        return [node for node in self.nodes if isinstance(node, MondayPushNode)]

    @property
    def salesforce_pulls(self) -> list[SalesforcePullNode]:
        """The Salesforce pull nodes, in the file's order."""
        return [node for node in self.nodes if isinstance(node, SalesforcePullNode)]

    @property
    def identities(self) -> list[IdentityNode]:
        """The identity nodes, in the file's order."""
        return [node for node in self.nodes if isinstance(node, IdentityNode)]

    @property
    def tags(self) -> list[TagNode]:
        """The tag nodes, in the file's order."""
        return [node for node in self.nodes if isinstance(node, TagNode)]

    @property
    def linkedin_steps(self) -> list[LinkedInStepNode]:
        """The LinkedIn steps, in the file's order."""
        return [node for node in self.nodes if isinstance(node, LinkedInStepNode)]

    def node(self, name: str) -> AnyNode:
        """Return the node called `name`.

        Raises:
            KeyError: the workflow has no such node.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)
