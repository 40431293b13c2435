"""`syncflow outreach`: what people see, decide and do about outreach on LinkedIn."""

from __future__ import annotations

import click

from syncflow_dagster.commands import linkedin_tools, linkedin_views, outreach_preview

#: Modules with commands of the group, each in its `COMMANDS`.
_PARTS = (outreach_preview, linkedin_views, linkedin_tools)


@click.group()
def outreach() -> None:
    """Preview and approve texts, acknowledge accounts, and steer outreach on LinkedIn."""


for _part in _PARTS:
    for _command in _part.COMMANDS:
        outreach.add_command(_command)

#: What the command line adds to its own.
COMMANDS = (outreach,)
