"""The signing key of a service that was given none."""

import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def load_or_create(path: Path) -> bytes:
    """Return the key in the file; make it on first use, readable by its owner only, durable before it is used.

    Several processes may start at once: one of them makes the key, all return the same.

    Raises:
        ValueError: the file holds no key (cut short, edited); nothing is overwritten.
        OSError: the directory or the file cannot be read or written.
    """
    if not path.exists():
        _create(path)
    text = path.read_text(encoding="ascii", errors="replace").strip()
    if len(text) < 2 * KEY_BYTES:
        message = f"{path} holds no key of {KEY_BYTES} bytes: restore it, or delete it to sign everybody out"
        raise ValueError(message)
    return text.encode()


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # Unlike a rename, a link never replaces the key of a process that was faster.
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
