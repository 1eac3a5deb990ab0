"""Alembic's entry: runs our migrations on the connection that `store.migrate` hands over, in one transaction."""

from alembic import context

from nightdrop.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table="nightdrop_schema",
    transactional_ddl=True,
    include_name=lambda name, kind, _parents: kind != "table" or str(name).startswith("nightdrop_"),
)
context.run_migrations()
