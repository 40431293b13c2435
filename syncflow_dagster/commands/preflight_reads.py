"""Do the workflow's queries and fields fit the Salesforce org?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands.places import as_findings, placed
from syncflow_dagster.commands.plan_reads import Orgs
from syncflow_dagster.core.soql.split import TooLongError, for_bulk, for_rest
from syncflow_dagster.core.soql.tree import Mistake
from syncflow_dagster.nodes.pull.ports import SourceError
from syncflow_dagster.nodes.pull.soql import QueryUnfit, check_pull
from syncflow_dagster.nodes.salesforce.fields import check_reading, mirrors
from syncflow_dagster.workflows.problems import display_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import SalesforcePullNode
    from syncflow_dagster.workflows.problems import Problem


@dataclass(slots=True)
class ReadCheck:
    """What a preflight of one Salesforce pull node found.

    Attributes:
        node: Its name.
        owner: The object it reads.
        problems: What was found, with its places in the workflow file.
    """

    node: str
    owner: str
    problems: list[tuple[Mistake, Problem]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the node can read."""
        return all(mistake.warning for mistake, _ in self.problems)

    def lines(self, workflow: str) -> Iterator[str]:
        """Return the report for a person."""
        yield f"{workflow}.{self.node}: object {self.owner}"
        yield from (f"  {_severity(mistake):<7} {told}" for mistake, told in self.problems)
        yield f"  {'the query fits' if self.passed else 'nothing will be read'}"

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


def check_reads(loaded: LoadedWorkflow) -> list[ReadCheck]:
    """Check every Salesforce pull node of a workflow, and the delta fields that it feeds."""
    orgs = Orgs(loaded)
    with orgs.stack:
        return [_check(orgs, node) for node in loaded.workflow.salesforce_pulls]


def _check(orgs: Orgs, node: SalesforcePullNode) -> ReadCheck:
    workflow = orgs.loaded.workflow
    at = ("nodes", workflow.nodes.index(node))
    try:
        found = _mistakes(orgs, node)
    except QueryUnfit as error:
        found = list(error.mistakes)
    except TooLongError as error:
        found = [Mistake((*at, "where"), "too_long", str(error), "shorten the lists")]
    except SourceError as error:
        message = f"the org cannot be asked: {error}"
        found = [Mistake((*at, "connection"), "not_reachable", message)]
    found.sort(key=lambda one: one.warning)
    problems = placed(orgs.loaded.path, as_findings(found))
    return ReadCheck(node.name, node.object or "by SOQL", list(zip(found, problems, strict=True)))


def _mistakes(orgs: Orgs, node: SalesforcePullNode) -> list[Mistake]:
    workflow = orgs.loaded.workflow
    _, schema = orgs.of(node.connection)
    checked = check_pull(workflow, node, schema)
    (for_rest if node.api == "rest" else for_bulk)(checked.query)
    found = list(checked.warnings)
    for delta in workflow.deltas:
        if delta.source == node.name:
            loc = ("nodes", workflow.nodes.index(delta))
            found += check_reading(delta, mirrors(delta, checked.owner, schema, loc))
    return found


def _severity(mistake: Mistake) -> str:
    return "warning" if mistake.warning else "error"
