"""argon2id for new hashes, bcrypt only to verify old ones, zxcvbn to judge.

argon2id with m = 19456 KiB, t = 2, p = 1 is the OWASP Password Storage Cheat Sheet's minimum for servers: 22 ms here.
Passwords are normalised to NFC before argon2 (RFC 8265 OpaqueString), so that keyboards which send decomposed letters
agree with those which do not. bcrypt hashes come from services that did neither: they see the bytes as typed, of which
bcrypt reads 72.
"""

import unicodedata
from collections.abc import Sequence

import argon2
import bcrypt
from typing_extensions import override
from zxcvbn_rs_py import zxcvbn

from emoticon.domain.models import Strength
from emoticon.domain.ports import Hasher, StrengthMeter
from emoticon.domain.workers import Workers

_BCRYPT_BYTES = 72
_METERED_LENGTH = 64
_ADVICE = "Add more words that do not belong together"


class PasswordHasher(Hasher):
    """Hashes in `workers`, which bound threads (19 MiB each) and queue."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._argon2 = argon2.PasswordHasher(
            time_cost=2, memory_cost=19456, parallelism=1, hash_len=32, salt_len=16
        )
        # What unknown names are verified against: nobody has this password, as it was never typed.
        self._dummy = self._argon2.hash(b"\x00")

    @override
    async def hash(self, password: str) -> str:
        return await self._workers.run(self._argon2.hash, _normal(password))

    @override
    async def verify(self, password: str, password_hash: str | None) -> bool:
        same = await self._workers.run(self._verify, password, password_hash or self._dummy)
        return same and password_hash is not None

    @override
    def outdated(self, password_hash: str) -> bool:
        return _is_bcrypt(password_hash) or self._argon2.check_needs_rehash(password_hash)

    def _verify(self, password: str, password_hash: str) -> bool:
        if _is_bcrypt(password_hash):
            return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], password_hash.encode())
        try:
            return self._argon2.verify(password_hash, _normal(password))
        except argon2.exceptions.VerifyMismatchError:
            return False


class ZxcvbnMeter(StrengthMeter):
    """Looks at the first 64 characters: its time grows with the square of the length."""

    @override
    def strength(self, password: str, related: Sequence[str]) -> Strength:
        result = zxcvbn(password[:_METERED_LENGTH], list(related))
        warning = result.feedback.warning if result.feedback else None
        return Strength(int(result.score), str(warning) if warning else f"{_ADVICE}.")


def _is_bcrypt(password_hash: str) -> bool:
    return password_hash.startswith("$2")


def _normal(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode()
