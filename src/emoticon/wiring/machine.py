"""What a start finds on this machine: the data directory, its secret, the cores; and how it says no."""

import os
from pathlib import Path

from emoticon.adapters import secret
from emoticon.settings import Settings

SECRET_FILE = "jwt-secret"  # noqa: S105 - the name of a file


class StartError(Exception):
    """The service cannot start as it is configured; the text says why and what to do, and holds no secret."""


def signing_secret(settings: Settings) -> bytes:
    """Return the secret that was given, or the one in the data directory. Raises StartError."""
    if settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value().encode(errors="surrogateescape")
    try:
        return secret.load_or_create(settings.data_dir / SECRET_FILE)
    except (OSError, ValueError) as error:
        raise StartError(f"the signing key cannot be used: {error}") from None


def prepare_directory(path: Path) -> None:
    """Make the data directory when it is not there. Raises StartError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"cannot use {path}: {error.strerror}; EMOTICON_DATA_DIR names another directory"
        ) from None


def cores() -> int:
    """Return the cores that this process may use, which a container can limit."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
