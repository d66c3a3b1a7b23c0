"""How Alembic runs: on the connection, and in the transaction, that `api.database` has opened."""

from alembic import context

from api.migrations.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
