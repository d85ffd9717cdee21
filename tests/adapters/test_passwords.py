"""Facts about password hashes."""

import unicodedata
from collections.abc import Iterator

import bcrypt
import pytest

from emoticon.adapters.passwords import PasswordHasher, ZxcvbnMeter
from emoticon.domain.errors import HashingBusy
from emoticon.domain.workers import Workers


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    workers = Workers("hash", threads=2, queue=10, busy=HashingBusy)
    yield PasswordHasher(workers)
    workers.close()


def old_hash(password: str) -> str:
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()


async def test_a_hash_verifies_its_password_and_no_other(hasher: PasswordHasher) -> None:
    made = await hasher.hash("seven green boats")
    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await hasher.verify("seven green boats", made)
    assert not await hasher.verify("seven green boat", made)
    assert not await hasher.verify("", made)
    assert not hasher.outdated(made)


async def test_every_byte_of_a_long_password_counts(hasher: PasswordHasher) -> None:
    made = await hasher.hash("x" * 72 + "A")
    assert not await hasher.verify("x" * 72 + "B", made)
    assert await hasher.verify("x" * 72 + "A", made)


async def test_nothing_verifies_against_no_hash(hasher: PasswordHasher) -> None:
    assert not await hasher.verify("anything", None)
    assert not await hasher.verify("", None)
    assert not await hasher.verify("\0", None)


async def test_composed_and_decomposed_letters_are_the_same_password(
    hasher: PasswordHasher,
) -> None:
    composed = "crème brûlée à gogo"
    made = await hasher.hash(unicodedata.normalize("NFD", composed))
    assert await hasher.verify(composed, made)


@pytest.mark.parametrize("prefix", ["$2b$", "$2a$", "$2y$"])
async def test_an_old_bcrypt_hash_verifies_and_is_outdated(
    hasher: PasswordHasher, prefix: str
) -> None:
    made = prefix + old_hash("old secret")[4:]
    assert await hasher.verify("old secret", made)
    assert not await hasher.verify("other secret", made)
    assert hasher.outdated(made)


async def test_an_old_hash_reads_72_bytes_as_the_service_that_made_it_did(
    hasher: PasswordHasher,
) -> None:
    made = old_hash("p" * 100)
    assert await hasher.verify("p" * 100, made)
    assert await hasher.verify("p" * 72 + "zzzz", made)


async def test_a_hash_with_other_costs_is_outdated(hasher: PasswordHasher) -> None:
    made = await hasher.hash("seven green boats")
    assert hasher.outdated(made.replace("t=2", "t=1"))


async def test_no_salt_is_used_twice(hasher: PasswordHasher) -> None:
    assert await hasher.hash("same") != await hasher.hash("same")


def test_advice_never_repeats_the_password() -> None:
    strength = ZxcvbnMeter().strength("password", [])
    assert strength.score == 0
    assert "common password" in strength.advice
    assert ZxcvbnMeter().strength("kfgqxw", []).advice.startswith("Add more words")
