"""What a backup is: parts of one moment, and the manifest that names them."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

FORMAT: Final = 1
"""Of the file. A program reads this one only."""

ORIGINALS_PART: Final = "originals.tar"
"""Uploaded pictures, where they lie in a directory."""

SECRET_PART: Final = "jwt-secret"  # noqa: S105 - the name of a part

MARGIN: Final = 2**30
"""More than an account has tokens, or a service has accounts or deletions, between a backup and its restore."""

MAX_MANIFEST_BYTES: Final = 64 * 1024
_MAX_PARTS = 32
_MAX_PART_BYTES = 2**50

OnProgress = Callable[[str, int, int | None], None]
"""Hears what is done, how far it is, and of how much; both in bytes or pages."""

_TEXTS = {
    "emoticon": re.compile(r"[0-9A-Za-z.+-]{1,40}"),
    "schema": re.compile(r"[0-9]{4}"),
    "made_at": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"),
    "database": re.compile(r"sqlite|postgresql"),
    "secret": re.compile(r"kept|given"),
}
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BackupRefused(Exception):
    """A backup cannot be made or restored; the text is one line that says why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a backup."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands first in a backup."""

    emoticon: str
    """The version that made it."""
    schema: str
    """The revision of its tables."""
    made_at: str
    """When, UTC, as 2026-01-31T23:59:59Z."""
    database: str
    """`sqlite` or `postgresql`."""
    secret: str
    """`kept`: the signing key is in the backup; `given`: it came by JWT_SECRET and has to come so again."""
    parts: tuple[Part, ...] = field(default=())

    @property
    def size_bytes(self) -> int:
        """What all parts need on disk."""
        return sum(part.size_bytes for part in self.parts)

    def encode(self) -> bytes:
        """Return it as it stands in the file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1).encode()

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Return what `encode` wrote. Raises BackupRefused for anything else."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise BackupRefused("the manifest of the backup cannot be read") from None
        if not isinstance(found, dict) or type(found.get("format")) is not int:
            raise BackupRefused("the manifest of the backup cannot be read")
        if found["format"] != FORMAT:
            raise BackupRefused(
                f"the backup has format {found['format'] % 10**9}, this version reads {FORMAT}"
            )
        parts = found.get("parts")
        if not isinstance(parts, list) or not 0 < len(parts) <= _MAX_PARTS:
            raise BackupRefused("the manifest of the backup names no parts")
        texts = {name: _text(found, name, form) for name, form in _TEXTS.items()}
        manifest = cls(**texts, parts=tuple(map(_part, parts)))
        names = [part.name for part in manifest.parts]
        if len({*names}) != len(names) or (SECRET_PART in names) != (manifest.secret == "kept"):  # noqa: S105 - as above
            raise BackupRefused("the manifest of the backup contradicts itself")
        return manifest


@dataclass(frozen=True, slots=True)
class Present:
    """What is known of the accounts that a restore replaces."""

    accounts: int = 0
    gone: frozenset[int] = frozenset()
    """Which of them have been deleted, as far back as that is kept."""
    readable: bool = True

    @property
    def known(self) -> bool:
        """Whether there was anything to learn from."""
        return self.readable and bool(self.accounts or self.gone)


@dataclass(frozen=True, slots=True)
class Renewed:
    """What became of the accounts of a backup."""

    accounts: int
    deleted_since: tuple[int, ...]
    """Those that were deleted after the backup was made."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has done."""

    manifest: Manifest
    present: Present
    renewed: Renewed
    unreached: tuple[str, ...] = ()
    """Tiers that could not be emptied."""


def _text(found: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise BackupRefused(f"the manifest of the backup has no good `{name}`")
    return value


def _part(found: object) -> Part:
    if not isinstance(found, dict):
        raise BackupRefused("the manifest of the backup names no parts")
    size_bytes = found.get("size_bytes")
    if type(size_bytes) is not int or not 0 <= size_bytes <= _MAX_PART_BYTES:
        raise BackupRefused("the manifest of the backup has no good `size_bytes`")
    return Part(_text(found, "name", _NAME), size_bytes, _text(found, "sha256", _SHA256))
