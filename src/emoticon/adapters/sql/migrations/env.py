"""Run by Alembic with what `emoticon.adapters.sql.migrate` put in the configuration's attributes."""

from alembic import context

from emoticon.adapters.sql.migrate import VERSION_TABLE
from emoticon.adapters.sql.tables import metadata

context.configure(
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters few things in place
    **context.config.attributes,
)
with context.begin_transaction():
    context.run_migrations()
