"""Files that a schedule or a watch has taken in, so that the next fire or look takes only what is new."""

import sqlalchemy as sa

from nightdrop.store.tables.metadata import metadata

schedule_files = sa.Table(
    "nightdrop_schedule_files",
    metadata,
    sa.Column("schedule_id", sa.String(36), primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),  # size and mtime
    sa.Column("run_id", sa.String(36), nullable=False),
    sa.Column("after", sa.Text, nullable=True),  # what is still to be done with the file once its result is committed
    sa.Column("container", sa.Text, nullable=True),  # of a document inside an archive or a mail: its path
)

sa.Index("nightdrop_schedule_files_container", schedule_files.c.schedule_id, schedule_files.c.container)

_waiting = schedule_files.c.after.is_not(None)

sa.Index("nightdrop_schedule_files_after", schedule_files.c.run_id, sqlite_where=_waiting, postgresql_where=_waiting)
