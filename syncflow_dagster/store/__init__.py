"""PostgreSQL: migrations, SQL kept in files, thin typed access, and the embedded server.

Nothing here knows Dagster or a service; rooms above state their rules in SQL files and call
:class:`syncflow_dagster.store.database.Database`.
"""
