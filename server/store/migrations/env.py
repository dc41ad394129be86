"""The code that Alembic runs for each migration command: on the caller's connection, in the caller's transaction."""

from alembic import context

from server.store.tables import declared

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=declared(),
    render_as_batch=True,
)
context.run_migrations()
