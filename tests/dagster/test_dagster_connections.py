"""Connections in the launchpad: a value given there takes the file's place for one run."""

from syncflow_dagster.resources.connections import FilesFolderResource
from syncflow_dagster.workflows.models import FilesConnection


def test_a_run_may_read_another_folder(monkeypatch):
    monkeypatch.setenv("ORDERS_AGAIN", "/srv/again")
    connection = FilesConnection(type="files", folder="/srv/orders", delimiter=";")
    assert FilesFolderResource().applied_to(connection) == connection
    applied = FilesFolderResource(folder="${ORDERS_AGAIN}").applied_to(connection)
    assert (applied.folder, applied.delimiter) == ("/srv/again", ";")
