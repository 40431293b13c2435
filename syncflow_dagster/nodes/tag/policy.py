"""What a policy says about plans of tags: which may be made, and which need somebody's leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.workflows.models.tag import (
    CampaignTag,
    FieldsTag,
    FieldTag,
    JunctionTag,
    MultiPicklistTag,
    TopicTag,
)
from syncflow_dagster.workflows.policy import load_policy
from syncflow_dagster.workflows.problems import BrokenFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncflow_dagster.nodes.tag.caps import Load
    from syncflow_dagster.nodes.tag.mapping import Ways
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models.policy import Policy
    from syncflow_dagster.workflows.models.tag import Tag, TagNode


class PolicyUnusable(RuntimeError):
    """The policy file of a tag node is not there or has mistakes; the text lists them."""


@dataclass(frozen=True, slots=True)
class PlanPolicy:
    """What of a policy plans are held to.

    Attributes:
        policy: The policy.
        records: Records of the source, deleted ones left out.
    """

    policy: Policy
    records: int

    @property
    def hash(self) -> str:
        """Hash of the policy; a plan made under another one is outdated."""
        return self.policy.hash

    def approves(self, load: Load) -> bool:
        """Tell whether a plan needs no person, given what goes or went by itself with it."""
        small = load.changes <= self.policy.approval.auto_up_to
        return small and self.too_much(load) is None

    def too_much(self, load: Load) -> str | None:
        """Return why a plan may not be made at all, given what its run plans, if so."""
        approval = self.policy.approval
        if load.changes > approval.max_changes:
            return f"the policy lets a run plan {approval.max_changes:,} changes (max_changes)"
        if load.records > approval.max_share * max(1, self.records):
            changed = f"{load.records:,} of {self.records:,} records of the source"
            return (
                f"with it the run changes {changed}, and the policy "
                f"allows {approval.max_share:.0%} (max_share)"
            )
        return None


def policy_of(
    loaded: LoadedWorkflow, node: TagNode, environ: Mapping[str, str] | None = None
) -> Policy:
    """Read the policy of a tag node.

    Args:
        loaded: The workflow; the policy's path is relative to its file.
        node: The tag node.
        environ: Variables for `${NAME}`; the process's own if left out.

    Raises:
        PolicyUnusable: It is not there, or has mistakes.
    """
    found = load_policy(loaded.path.parent / node.policy, environ)
    if isinstance(found, BrokenFile):
        msg = "\n".join(str(problem) for problem in found.problems)
        raise PolicyUnusable(msg)
    return found


def not_allowed(
    policy: Policy, node: TagNode, ways: Ways
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Give each part of a tag node that its policy does not allow, with what is wrong.

    Args:
        policy: The policy.
        node: The tag node.
        ways: The fields that rules with a mapping write.
    """
    if policy.subject_rules(node.object) is None:
        yield ("object",), f"the policy names no subject {node.object!r}"
    for at, rule in enumerate(node.rules):
        if rule.purpose not in policy.purposes:
            known = ", ".join(policy.purposes)
            text = f"the policy has no purpose {rule.purpose!r}; it has: {known}"
            yield ("rules", at, "purpose"), text
        mapped = [(node.object, way.info.name) for way in ways.get(rule.name, ())]
        for owner, field in mapped or written(node.object, rule.tag):
            if not policy.may_write(owner, field):
                yield ("rules", at, "tag"), f"the policy does not let {owner}.{field} be written"


def written(tagged: str, tag: Tag) -> list[tuple[str, str]]:
    """Return what a tag itself names to be written, as objects and fields."""
    match tag:
        case FieldTag(field=field) | MultiPicklistTag(field=field):
            return [(tagged, field)]
        case TopicTag():
            return [("TopicAssignment", "TopicId"), ("TopicAssignment", "EntityId")]
        case CampaignTag(status=status):
            names = ["CampaignId", f"{tagged}Id", *(["Status"] if status else [])]
            return [("CampaignMember", name) for name in names]
        case JunctionTag():
            names = [tag.external_id, tag.lookup, *tag.values]
            return [(tag.object, name) for name in names]
        case FieldsTag():
            return []
