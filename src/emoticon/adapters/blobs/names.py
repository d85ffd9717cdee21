"""What blobs may be called: words divided by slashes, so that no name leads out of a directory."""

import re

_NAME = re.compile(r"[a-z]{1,40}(?:/[0-9a-z][0-9a-z-]{0,120}){1,4}")
_PREFIX = re.compile(r"[a-z]{1,40}/")


def checked(name: str) -> str:
    """Return the name. Raises ValueError for any other."""
    if not _NAME.fullmatch(name):
        raise ValueError("no name of a blob")
    return name


def directory(prefix: str) -> str:
    """Return a prefix such as `originals/` without its slash. Raises ValueError for any other."""
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("no prefix of blobs")
    return prefix[:-1]
