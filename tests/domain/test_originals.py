"""Facts about uploads: what they leave, also when something fails on the way or the caller goes away."""

import asyncio
from hashlib import blake2b

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import ORIGIN, PASSWORD, Node, audit_of, until
from tests.domain.uploading import Body, Shelf, originals_of, sending, states

from emoticon.adapters.limiter.local import LocalLimiter
from emoticon.adapters.sql.engine import writing
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.adapters.sql.tables import originals as table
from emoticon.domain.blobs import MAX_BLOB_BYTES
from emoticon.domain.errors import (
    InvalidPicture,
    InvalidToken,
    OriginalsUnavailable,
    PictureTooLarge,
    TooManyAttempts,
    UploadsBusy,
)
from emoticon.domain.models import Account, Box, Event, Identity, TokenPair
from emoticon.domain.originals import MAX_UPLOAD_BYTES, MOST_AT_ONCE, Originals


@pytest.fixture
def database(sqlite_database: str) -> str:
    """One kind is enough here: what the stores do is told by their contracts."""
    return sqlite_database


@pytest.fixture
async def me(node: Node, alice: TokenPair) -> Identity:
    return await node.of(alice.access.value)


async def upload(originals: Originals, me: Identity, data: bytes = b"a picture") -> Account:
    return await originals.put(me, sending(data), None, ORIGIN)


async def now(node: Node, me: Identity) -> Account:
    account = await node.accounts.store.by_id(me.account.id)
    assert account is not None
    return account


async def test_an_upload_is_shown_and_kept_as_it_was_decoded(
    originals: Originals, me: Identity, node: Node, shelf: Shelf, engine: AsyncEngine
) -> None:
    account = await originals.put(me, sending(b"a picture"), Box(1, 2, 3), ORIGIN)
    assert account == await now(node, me)
    name = account.look.original
    kept = b"512 1,2,3 a picture"
    assert name.startswith(f"{me.account.id}-")
    assert name.endswith(blake2b(kept, digest_size=16).hexdigest())
    assert await shelf.get(f"originals/{name}", max_bytes=100) == kept
    assert await states(engine) == {name: "kept"}
    assert (await audit_of(node, "alice"))[0] == Event.PICTURE


async def test_a_second_upload_takes_the_place_of_the_first_also_when_it_is_the_same(
    originals: Originals, me: Identity, shelf: Shelf, engine: AsyncEngine
) -> None:
    first = (await upload(originals, me)).look.original
    second = (await upload(originals, me)).look.original
    await originals.aclose()
    assert first != second
    assert await states(engine) == {second: "kept"}
    assert await shelf.names() == [second]
    [erasure] = await SqlErasureStore(engine).after(0, 10)
    assert erasure.owner == me.account.id


async def test_the_answer_comes_after_the_news(
    originals: Originals, me: Identity, alice: TokenPair, node: Node
) -> None:
    changed = await upload(originals, me)
    assert (await node.of(alice.access.value)).account == changed


async def test_style_and_seed_are_there_again_when_the_picture_is_deleted(
    originals: Originals, me: Identity, node: Node, shelf: Shelf, engine: AsyncEngine
) -> None:
    await upload(originals, me)
    await originals.delete(me, ORIGIN)
    await originals.aclose()
    assert (await now(node, me)).look == me.account.look
    assert await states(engine) == {}
    assert await shelf.names() == []
    assert (await audit_of(node, "alice"))[0] == Event.PICTURE_DELETED


async def test_deleting_what_is_not_there_changes_nothing(
    originals: Originals, me: Identity, node: Node
) -> None:
    before = await now(node, me)
    await originals.delete(me, ORIGIN)
    assert await now(node, me) == before
    assert Event.PICTURE_DELETED not in await audit_of(node, "alice")


async def test_who_has_gone_meanwhile_neither_uploads_nor_deletes(
    originals: Originals, me: Identity, node: Node, shelf: Shelf, engine: AsyncEngine
) -> None:
    await node.accounts.leave(me, PASSWORD, ORIGIN)
    with pytest.raises(InvalidToken):
        await upload(originals, me)
    with pytest.raises(InvalidToken):
        await originals.delete(me, ORIGIN)
    await originals.aclose()
    assert await states(engine) == {}
    assert await shelf.names() == []


async def test_what_is_too_large_or_no_picture_leaves_nothing(
    originals: Originals, me: Identity, shelf: Shelf, engine: AsyncEngine
) -> None:
    with pytest.raises(PictureTooLarge):
        await upload(originals, me, bytes(MAX_UPLOAD_BYTES + 1))
    with pytest.raises(InvalidPicture):
        await upload(originals, me, b"no picture")
    with pytest.raises(InvalidPicture):
        await upload(originals, me, bytes(MAX_BLOB_BYTES))
    assert await states(engine) == {}
    assert shelf.puts == 0
    await upload(originals, me)


async def test_while_the_store_is_away_nothing_changes(
    originals: Originals, me: Identity, node: Node, shelf: Shelf, engine: AsyncEngine
) -> None:
    first = (await upload(originals, me)).look.original
    before = await now(node, me)
    shelf.away = True
    with pytest.raises(OriginalsUnavailable):
        await upload(originals, me)
    await originals.aclose()
    assert await now(node, me) == before
    assert sorted((await states(engine)).values()) == ["dropped", "kept"]
    shelf.away = False
    second = (await upload(originals, me)).look.original
    await originals.aclose()
    assert await states(engine) == {second: "kept"}
    assert await shelf.names() == [second]
    assert first != second


async def test_an_upload_that_was_given_up_by_others_is_not_shown(
    originals: Originals, me: Identity, node: Node, shelf: Shelf, engine: AsyncEngine
) -> None:
    shelf.opens.clear()
    uploading = asyncio.create_task(upload(originals, me))
    await until(lambda: shelf.puts == 1)
    async with writing(engine) as connection:
        await connection.execute(update(table).values(state="dropped"))
    shelf.opens.set()
    with pytest.raises(OriginalsUnavailable):
        await uploading
    await originals.aclose()
    assert (await now(node, me)).look == me.account.look
    assert await states(engine) == {}
    assert await shelf.names() == []


async def test_an_upload_goes_on_when_its_caller_goes_away_after_it_was_received(
    originals: Originals, me: Identity, node: Node, shelf: Shelf
) -> None:
    shelf.opens.clear()
    uploading = asyncio.create_task(upload(originals, me))
    await until(lambda: shelf.puts == 1)
    uploading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await uploading
    shelf.opens.set()
    await originals.aclose()
    assert (await now(node, me)).look.original == (await shelf.names())[0]


async def test_the_answer_does_not_wait_for_what_is_deleted(
    originals: Originals, me: Identity, shelf: Shelf, engine: AsyncEngine
) -> None:
    first = (await upload(originals, me)).look.original
    await originals.aclose()
    shelf.opens.clear()
    await originals.delete(me, ORIGIN)
    assert await states(engine) == {first: "dropped"}
    shelf.opens.set()
    await originals.aclose()
    assert await states(engine) == {}


async def test_what_is_dropped_while_others_are_deleted_is_deleted_too(
    originals: Originals, me: Identity, shelf: Shelf, engine: AsyncEngine
) -> None:
    await upload(originals, me, b"one")
    await originals.aclose()
    shelf.opens.clear()
    await originals.delete(me, ORIGIN)
    uploading = asyncio.create_task(upload(originals, me, b"two"))
    await until(lambda: shelf.puts == 2)
    shelf.opens.set()
    await uploading
    await originals.delete(me, ORIGIN)
    await originals.aclose()
    assert await states(engine) == {}
    assert await shelf.names() == []


async def test_only_so_many_are_received_at_once_and_others_are_not_even_read(
    originals: Originals, me: Identity, node: Node
) -> None:
    arrives = asyncio.Event()
    crowd = []
    for number in range(MOST_AT_ONCE):
        pair = await node.accounts.sign_up(f"person-{number}", PASSWORD, ORIGIN)
        body = Body(b"a picture", arrives=arrives)
        somebody = await node.of(pair.access.value)
        crowd.append(asyncio.create_task(originals.put(somebody, body.receive, None, ORIGIN)))
        await until(lambda body=body: body.asked == 1)  # type: ignore[misc]  # bound at once
    late = Body(b"a picture")
    with pytest.raises(UploadsBusy):
        await originals.put(me, late.receive, None, ORIGIN)
    assert late.asked == 0
    arrives.set()
    await asyncio.gather(*crowd)
    await originals.put(me, late.receive, None, ORIGIN)


async def test_one_account_uploads_one_picture_at_a_time(
    originals: Originals, me: Identity
) -> None:
    slow = Body(b"a picture", arrives=asyncio.Event())
    uploading = asyncio.create_task(originals.put(me, slow.receive, None, ORIGIN))
    await until(lambda: slow.asked == 1)
    with pytest.raises(UploadsBusy):
        await upload(originals, me)
    uploading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await uploading
    await upload(originals, me)


async def test_each_account_may_upload_so_often_whatever_comes_of_it(
    node: Node, engine: AsyncEngine, shelf: Shelf, clock: ManualClock, me: Identity
) -> None:
    limited = originals_of(node, engine, shelf, clock, LocalLimiter(clock))
    await upload(limited, me)
    with pytest.raises(InvalidPicture):
        await upload(limited, me, b"no picture")
    late = Body(b"a picture")
    with pytest.raises(TooManyAttempts) as refusal:
        await limited.put(me, late.receive, None, ORIGIN)
    assert late.asked == 0
    assert 0 < refusal.value.retry_after_s <= 3600
    pair = await node.accounts.sign_up("bob", PASSWORD, ORIGIN)
    await upload(limited, await node.of(pair.access.value))
    clock.ms += 3_601_000
    await limited.put(me, late.receive, None, ORIGIN)
    await limited.aclose()


async def test_what_was_never_used_is_closed_at_once(originals: Originals) -> None:
    await originals.aclose()
    await originals.aclose()
