"""Backups as files: what is in them, where they are put."""
