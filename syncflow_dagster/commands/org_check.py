"""What a preflight found of one node that reads from or writes to a Salesforce org."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands.places import as_findings, placed
from syncflow_dagster.workflows.problems import display_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncflow_dagster.core.soql.tree import Mistake
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import SalesforcePullNode, TagNode
    from syncflow_dagster.workflows.problems import Problem


@dataclass(frozen=True, slots=True)
class OrgCheck:
    """What was found of a node.

    Attributes:
        node: Its name.
        owner: The object it reads or writes.
        writes: Whether it writes.
        problems: What was found, with its places in the workflow file, errors first.
    """

    node: str
    owner: str
    writes: bool
    problems: tuple[tuple[Mistake, Problem], ...]

    @property
    def passed(self) -> bool:
        """Whether the node can do its work."""
        return all(mistake.warning for mistake, _ in self.problems)

    def lines(self, workflow: str) -> Iterator[str]:
        """Return the report for a person."""
        yield f"{workflow}.{self.node}: object {self.owner}"
        yield from (f"  {_severity(mistake):<7} {told}" for mistake, told in self.problems)
        refused = f"nothing will be {'written' if self.writes else 'read'}"
        yield f"  {'the org fits' if self.passed else refused}"

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "ok": self.passed,
            "object": self.owner,
            "faults": [
                {
                    "severity": _severity(mistake),
                    "kind": mistake.kind,
                    "path": display_path(problem.path),
                    "line": problem.line,
                    "column": problem.column,
                    "where": problem.where,
                    "message": problem.message,
                    "hint": problem.hint,
                }
                for mistake, problem in self.problems
            ],
        }


def org_check(
    loaded: LoadedWorkflow, node: SalesforcePullNode | TagNode, mistakes: Sequence[Mistake]
) -> OrgCheck:
    """Return what was found of a node, with the lines of the workflow file."""
    found = sorted(mistakes, key=lambda one: one.warning)
    problems = placed(loaded.path, as_findings(found))
    owner = node.object or "named in its query"
    writes = node.type == "tag"
    return OrgCheck(node.name, owner, writes, tuple(zip(found, problems, strict=True)))


def _severity(mistake: Mistake) -> str:
    return "warning" if mistake.warning else "error"
