"""The database of accounts and sessions: SQLite in one file, or PostgreSQL."""
