"""Alembic's entry: run the steps on the connection, and in the transaction, that `versions.py` hands over."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
