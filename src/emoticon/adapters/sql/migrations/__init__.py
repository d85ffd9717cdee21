"""Changes of the schema, oldest first in `versions`. Alembic runs `env.py`; nothing else imports this package."""
