"""What every BlobStore does: the same suite over a directory and over S3."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.stores import S3Server, surround, variables

from emoticon.adapters.blobs.local import LocalBlobStore
from emoticon.adapters.blobs.remote import RemoteBlobStore
from emoticon.domain.errors import OriginalsUnavailable
from emoticon.domain.media import BlobStore

KINDS = ["local", "s3"]
NAME = "originals/7-0123abcd"
OTHER = "originals/8-0123abcd"
MOST = 1 << 20


@pytest.fixture(params=KINDS)
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[BlobStore]:
    opened: BlobStore
    if request.param == "local":
        opened = LocalBlobStore(tmp_path / "blobs")
    else:
        server: S3Server = request.getfixturevalue("s3")
        surround(monkeypatch, variables(server.port))
        opened = RemoteBlobStore(f"s3://{server.new_bucket()}/some/where", timeout_s=10)
    yield opened
    await opened.aclose()


async def names(store: BlobStore) -> list[str]:
    return sorted([name async for batch in store.walk("originals/") for name, _ in batch])


async def test_what_was_put_is_there(store: BlobStore) -> None:
    data = bytes(range(256)) * 400
    await store.put(NAME, data)
    assert await store.get(NAME, max_bytes=MOST) == data


async def test_what_was_put_last_counts(store: BlobStore) -> None:
    await store.put(NAME, b"one")
    await store.put(NAME, b"two")
    assert await store.get(NAME, max_bytes=MOST) == b"two"
    assert await names(store) == [NAME]


async def test_nothing_is_there_before_it_is_put(store: BlobStore) -> None:
    assert await store.get(NAME, max_bytes=MOST) is None
    assert await names(store) == []


async def test_what_is_larger_than_asked_for_is_not_read(store: BlobStore) -> None:
    await store.put(NAME, b"12345")
    assert await store.get(NAME, max_bytes=4) is None
    assert await store.get(NAME, max_bytes=5) == b"12345"


async def test_nothing_at_all_can_be_kept(store: BlobStore) -> None:
    await store.put(NAME, b"")
    assert await store.get(NAME, max_bytes=0) == b""


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(store: BlobStore) -> None:
    await store.put(NAME, b"one")
    await store.put(OTHER, b"two")
    await store.delete(NAME)
    await store.delete(NAME)
    assert await store.get(NAME, max_bytes=MOST) is None
    assert await names(store) == [OTHER]


async def test_the_walk_says_when_each_was_put(store: BlobStore) -> None:
    await store.put(NAME, b"one")
    await store.put(OTHER, b"two")
    found = [each async for batch in store.walk("originals/") for each in batch]
    assert {name for name, _ in found} == {NAME, OTHER}
    assert all(1_700_000_000_000 < put_ms < 5_000_000_000_000 for _, put_ms in found)


async def test_the_walk_ends_with_its_prefix(store: BlobStore) -> None:
    await store.put("others/7-0123abcd", b"one")
    assert await names(store) == []


@pytest.mark.parametrize(
    "name", ["", "originals", "/etc/passwd", "originals/../x", "originals/.x", "originals//x"]
)
async def test_other_names_are_never_used(store: BlobStore, name: str) -> None:
    with pytest.raises(ValueError, match="no name of a blob"):
        await store.put(name, b"x")
    with pytest.raises(ValueError, match="no name of a blob"):
        await store.get(name, max_bytes=1)
    with pytest.raises(ValueError, match="no name of a blob"):
        await store.delete(name)
    with pytest.raises(ValueError, match="no prefix of blobs"):
        await anext(store.walk(name))


async def test_a_store_that_is_there_answers(store: BlobStore) -> None:
    await store.ping()


async def test_it_may_be_closed_twice(store: BlobStore) -> None:
    await store.aclose()
    await store.aclose()


async def test_a_bucket_that_is_not_there_is_said(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    surround(monkeypatch, variables(s3.port))
    nowhere = RemoteBlobStore("s3://nobodys", timeout_s=10)
    with pytest.raises(OriginalsUnavailable):
        await nowhere.ping()
    with pytest.raises(OriginalsUnavailable):
        await nowhere.put(NAME, b"x")
    with pytest.raises(OriginalsUnavailable):
        await anext(nowhere.walk("originals/"))
