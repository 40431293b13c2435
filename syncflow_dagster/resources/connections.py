"""A workflow's connections as Dagster resources: what the file says, with no secret in sight."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dagster as dg
import yaml
from pydantic import Field, SecretStr

from syncflow_dagster.workflows.environment import Environment, UnresolvedError
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import (
    Connection,
    FilesConnection,
    MondayConnection,
    SalesforceConnection,
    SqlConnection,
    UnipileConnection,
)

_AS_IN_FILE = "Empty: as in the workflow file."
_ONLY_NAMES = "What is typed here is kept with the run for all to see."
_SECRET = f"Only `${{NAME}}`: {_ONLY_NAMES} {_AS_IN_FILE}"
_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


class ConnectionResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A connection; a value given in the launchpad takes the place of the file's for one run.

    Values may refer to environment variables, `${NAME}` or `${NAME:-default}`; a secret can only
    be the name of a variable, `${NAME}`.
    """

    def applied_to(self, connection: Connection) -> Connection:
        """Return the connection with the values that are set here.

        Raises:
            UnresolvedError: a variable is not set, or a secret is not given by its variable.
            pydantic.ValidationError: a value does not fit.
        """
        environment = Environment(os.environ)
        given = {name: value for name, value in self.model_dump().items() if value}
        for name, value in given.items():
            if _is_typed_secret(connection, name, value):
                msg = f"{name}: a secret may not be typed into the launchpad"
                raise UnresolvedError(msg, f"{_ONLY_NAMES} Give the name of a variable, ${{NAME}}.")
        given = {name: environment.substitute(value) for name, value in given.items()}
        kept = connection.model_dump()
        return type(connection).model_validate({**kept, **given})


class SqlSourceResource(ConnectionResource):
    """A database rows are pulled from."""

    url: str = Field("", description=f"SQLAlchemy URL, by the name of its variable. {_SECRET}")


class FilesFolderResource(ConnectionResource):
    """A folder whose files rows are pulled from."""

    folder: str = Field("", description=f"Absolute path of the folder. {_AS_IN_FILE}")


class MondayAccountResource(ConnectionResource):
    """An account at monday.com."""

    token: str = Field("", description=f"API token, by the name of its variable. {_SECRET}")
    url: str = Field("", description=f"Where the GraphQL API answers. {_AS_IN_FILE}")
    api_version: str = Field("", description=f"Pinned API version. {_AS_IN_FILE}")


class SalesforceOrgResource(ConnectionResource):
    """An org at Salesforce; how to log in stands in the workflow file alone."""

    url: str = Field("", description=f"My Domain address. {_AS_IN_FILE}")
    api_version: str = Field("", description=f"Pinned API version. {_AS_IN_FILE}")


class UnipileTenantResource(ConnectionResource):
    """A tenant at Unipile."""

    token: str = Field("", description=f"API key, by the name of its variable. {_SECRET}")
    url: str = Field("", description=f"The tenant's address. {_AS_IN_FILE}")


_KINDS: dict[type[Connection], type[ConnectionResource]] = {
    SqlConnection: SqlSourceResource,
    FilesConnection: FilesFolderResource,
    MondayConnection: MondayAccountResource,
    SalesforceConnection: SalesforceOrgResource,
    UnipileConnection: UnipileTenantResource,
}


def connection_resources(
    loaded: LoadedWorkflow, *, as_written: bool = True
) -> dict[str, ConnectionResource]:
    """Return a resource for each connection of a workflow, by the connection's name.

    Args:
        loaded: The workflow.
        as_written: Show what the file says, variables by name. Otherwise the resources are empty
            and the workflow's own values count, whatever this process's environment holds.
    """
    written = _written(loaded) if as_written else {}
    resources = {}
    for name, connection in loaded.workflow.connections.items():
        kind = _KINDS[type(connection)]
        resources[name] = kind(
            **{
                field: str(value)
                for field, value in written.get(name, {}).items()
                if field in kind.model_fields and _may_be_shown(connection, field, str(value))
            }
        )
    return resources


def _may_be_shown(connection: Connection, field: str, value: str) -> bool:
    """Say whether a value is no secret, or nothing but the name of a variable."""
    return not _is_typed_secret(connection, field, value)


def _is_typed_secret(connection: Connection, field: str, value: str) -> bool:
    is_secret = isinstance(getattr(connection, field, None), SecretStr)
    return is_secret and _VARIABLE.fullmatch(value) is None


def _written(loaded: LoadedWorkflow) -> dict[str, dict[str, Any]]:
    content = yaml.safe_load(loaded.path.read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = content["connections"]
    return found


def with_resources(
    loaded: LoadedWorkflow, resources: Mapping[str, ConnectionResource]
) -> LoadedWorkflow:
    """Return the workflow with its connections as the resources have them.

    Args:
        loaded: The workflow.
        resources: Resources by the connection's name.

    Raises:
        UnresolvedError: a variable is not set.
    """
    connections = {
        name: resources[name].applied_to(connection) if name in resources else connection
        for name, connection in loaded.workflow.connections.items()
    }
    changed = loaded.workflow.model_copy(update={"connections": connections})
    return replace(loaded, workflow=changed)
