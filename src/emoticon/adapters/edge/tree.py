"""The tree of published files as nginx reads it. All of it is a few system calls on a tmpfs.

    lease/<window>                    -> ../live
    live/<signature>                  -> ../accounts/<account>/<window>~<signature>
    accounts/<account>/<window>~<signature>/<token, part 1>/<token, part 2>~<username>~<size>.<format>
    accounts/<account>/<window>~<token of a link>/link/e~<version>~<size>.<format>
    ends/<window>/<account>~<signature>

nginx goes lease, live, the two parts, the file. The whole token is in the way, for a changed one is none. What it takes
to withdraw an account or to end a window is found in the tree itself, whichever process has published it. Links
are named by their whole token wherever there is the signature of an access token.
"""

# Paths are text here: they are made for every answer, and a Path costs as much as the system call.
# ruff: noqa: PTH102, PTH104, PTH106, PTH108, PTH115, PTH116, PTH123, PTH208, PTH211

import os
import shutil
import stat
from contextlib import suppress
from errno import EACCES, EINVAL
from pathlib import Path
from secrets import token_hex
from typing import Final, NamedTuple

from emoticon.domain.models import Picture

PUBLISHED: Final = "published"
_GONE: Final = ".gone-"
_PARTS: Final = ("lease", "live", "accounts", "ends", "new", "gone")
_LAST_S: Final = 2**37 - 1
"""The last `mtime_s` of a picture; times end in 2446 on ext4, on some in 2038."""
_LISTED_BY_NOBODY: Final = 0o711
"""Names are tokens. Who knows one may have its picture; nobody but the service lists them."""


class Place(NamedTuple):
    """Where the answers for one token lie: the account, the window in which the token ends, the parts of the token."""

    account_id: int
    window: int
    signature: str
    first: str
    second: str

    @property
    def entry(self) -> str:
        """The name of its directory beside others of the account."""
        return f"{self.window}~{self.signature}"


class Tree:
    """The directory `published` in `directory`; several processes may share it.

    Methods raise OSError, most often because another process has just wiped the tree; what was begun is then in no
    lease, or whole.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._root = f"{directory}/{PUBLISHED}"
        self._own = f"{os.getpid()}-{token_hex(4)}"
        self._count = 0

    def wipe(self) -> None:
        """Take everything away, whoever published it, and leave an empty tree."""
        self._directory.mkdir(_LISTED_BY_NOBODY, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.rename(self._root, f"{self._directory}/{_GONE}{self._next()}")
        for part in ("", *_PARTS):
            with suppress(FileExistsError):  # another process begins as well
                os.mkdir(f"{self._root}/{part}", _LISTED_BY_NOBODY)
        for old in self._directory.glob(f"{_GONE}*"):
            shutil.rmtree(old, ignore_errors=True)

    def require_usable(self) -> None:
        """Raise OSError when nginx could not read the tree, or would see other times than files are given."""
        if not os.stat(self._root).st_mode & (stat.S_IXGRP | stat.S_IXOTH):
            raise PermissionError(
                EACCES, "nginx cannot read it: the umask leaves nothing to others"
            )
        probe = f"{self._root}/new/{self._next()}"
        os.mkdir(probe)
        os.utime(probe, (_LAST_S, _LAST_S))
        kept = os.stat(probe).st_mtime
        os.rmdir(probe)
        if kept != _LAST_S:
            raise OSError(
                EINVAL,
                "its file system has no such late times as entity tags are made of: take a tmpfs",
            )

    def holds(self, place: Place, name: str, picture: Picture) -> bool:
        """Say whether exactly this is published."""
        way = f"{self._root}/live/{place.signature}/{place.first}/{place.second}~{name}"
        try:
            found = os.stat(way)
        except OSError:
            return False
        return int(found.st_mtime) == picture.mtime_s and found.st_size == len(picture.body)

    def window(self, signature: str) -> int | None:
        """Return the window in which what is live of a token ends, None when nothing is."""
        try:
            target = os.readlink(f"{self._root}/live/{signature}")
        except OSError:
            return None
        return int(target.rpartition("/")[2].partition("~")[0])

    def put(self, place: Place, name: str, picture: Picture) -> None:
        """Publish a picture; it is there at once and whole, or not at all."""
        account = f"{self._root}/accounts/{place.account_id}"
        entry = f"{account}/{place.entry}"
        first = f"{entry}/{place.first}"
        end = f"{self._root}/ends/{place.window}"
        for directory in (account, entry, first, end):
            with suppress(FileExistsError):
                os.mkdir(directory, _LISTED_BY_NOBODY)
        self._write(f"{first}/{place.second}~{name}", picture)
        # The end before the beginning: what is live is taken away in time, even when this process stops here.
        with suppress(FileExistsError):
            os.symlink(".", f"{end}/{place.account_id}~{place.signature}")
        live = f"{self._root}/live/{place.signature}"
        target = f"../accounts/{place.account_id}/{place.entry}"
        try:
            os.symlink(target, live)
        except FileExistsError:
            if os.readlink(live) != target:  # of a link, and at its end
                new = f"{self._root}/new/{self._next()}"
                os.symlink(target, new)
                os.rename(new, live)

    def remove(self, place: Place) -> None:
        """Take the answers for one token away."""
        with suppress(FileNotFoundError):
            os.unlink(f"{self._root}/live/{place.signature}")
        self._forget_end(place.account_id, place.entry)
        self._discard(f"{self._root}/accounts/{place.account_id}/{place.entry}")
        with suppress(OSError):  # it has other tokens
            os.rmdir(f"{self._root}/accounts/{place.account_id}")

    def withdraw(self, account_id: int) -> None:
        """Take all answers of an account away; 2 us when there are none."""
        gone = f"{self._root}/gone/{self._next()}"
        try:
            os.rename(f"{self._root}/accounts/{account_id}", gone)
        except FileNotFoundError:
            return
        # From here on nothing of it is found. The rest is order.
        for entry in os.listdir(gone):
            with suppress(FileNotFoundError):
                os.unlink(f"{self._root}/live/{entry.partition('~')[2]}")
            self._forget_end(account_id, entry)
        shutil.rmtree(gone, ignore_errors=True)

    def lease(self, first: int, last: int) -> None:
        """Let what is published be found in these windows and in no other, and end what would not outlive the last."""
        for name in os.listdir(f"{self._root}/ends"):
            if int(name) <= last:
                self._end(int(name))
        leases = f"{self._root}/lease"
        for window in range(first, last + 1):
            with suppress(FileExistsError):
                os.symlink("../live", f"{leases}/{window}")
        for name in os.listdir(leases):
            if not first <= int(name) <= last:
                with suppress(FileNotFoundError):
                    os.unlink(f"{leases}/{name}")

    def close_leases(self) -> None:
        """Let nothing be found."""
        leases = f"{self._root}/lease"
        for name in os.listdir(leases):
            with suppress(FileNotFoundError):
                os.unlink(f"{leases}/{name}")

    def _end(self, window: int) -> None:
        end = f"{self._root}/ends/{window}"
        for name in os.listdir(end):
            account_id, _, signature = name.partition("~")
            self.remove(Place(int(account_id), window, signature, "", ""))
        with suppress(
            OSError
        ):  # another process has done so, or has just published: then next time
            os.rmdir(end)

    def _forget_end(self, account_id: int, entry: str) -> None:
        window, _, signature = entry.partition("~")
        with suppress(FileNotFoundError):
            os.unlink(f"{self._root}/ends/{window}/{account_id}~{signature}")

    def _write(self, path: str, picture: Picture) -> None:
        new = f"{self._root}/new/{self._next()}"
        try:
            with open(new, "xb") as file:
                file.write(picture.body)
                file.flush()
                os.utime(file.fileno(), (picture.mtime_s, picture.mtime_s))
            os.rename(new, path)
        except OSError:
            with suppress(OSError):
                os.unlink(new)
            raise

    def _discard(self, path: str) -> None:
        gone = f"{self._root}/gone/{self._next()}"
        with suppress(FileNotFoundError):
            os.rename(path, gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _next(self) -> str:
        self._count += 1
        return f"{self._own}-{self._count}"
