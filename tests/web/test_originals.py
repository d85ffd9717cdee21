"""Facts about uploads over HTTP, in this process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx2 import AsyncClient, Response
from tests.images import SVG, colour, png, similar
from tests.web.conftest import (
    PASSWORD,
    Person,
    assert_problem,
    bearer,
    served,
    sign_up,
)

from emoticon.settings import Settings
from emoticon.web.middleware import MAX_UPLOAD_BYTES

RED, BLUE = (200, 30, 30), (30, 30, 200)


async def upload(
    person: Person, body: bytes, content_type: str = "image/png", query: str = ""
) -> Response:
    return await person.client.put(
        f"/emoticon/picture{query}",
        content=body,
        headers={**person.headers, "Content-Type": content_type},
    )


async def take_back(person: Person) -> Response:
    return await person.client.delete("/emoticon/picture", headers=person.headers)


async def test_an_upload_is_shown_at_once_in_every_size(person: Person) -> None:
    before = await person.emoticon()
    answer = await upload(person, png(*RED))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    assert set(answer.json()) == {"version"}
    after = await person.emoticon()
    assert similar(colour(after.content, 0.5, 0.5), RED)
    assert after.headers["etag"] != before.headers["etag"]
    small = await person.emoticon({"size": 16})
    assert similar(colour(small.content, 0.5, 0.5), RED)


async def test_each_upload_has_another_version(person: Person) -> None:
    first = (await upload(person, png(*RED))).json()["version"]
    second = (await upload(person, png(*BLUE))).json()["version"]
    assert first != second
    assert similar(colour((await person.emoticon()).content, 0.5, 0.5), BLUE)


async def test_the_style_is_back_after_the_picture_was_deleted(person: Person) -> None:
    before = await person.emoticon()
    await upload(person, png(*RED))
    for _ in range(2):
        answer = await take_back(person)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["cache-control"] == "no-store"
        assert (await person.emoticon()).content == before.content


async def test_a_box_is_cut_out(person: Person) -> None:
    assert (await upload(person, png(*RED), query="?box=500,300,100")).status_code == 200
    assert_problem(
        await upload(person, png(*RED), query="?box=501,300,100"), 422, "invalid_picture"
    )


@pytest.mark.parametrize("box", ["", "1,2", "1,2,0", "-1,2,3", "1,2,3,4", "01,2,3", "a,b,c"])
async def test_a_box_has_to_be_three_numbers(person: Person, box: str) -> None:
    assert_problem(await upload(person, png(), query=f"?box={box}"), 422, "invalid_input")


@pytest.mark.parametrize(
    "content_type", ["image/png", "IMAGE/PNG", "image/webp", "application/octet-stream", None]
)
async def test_what_kind_it_is_its_bytes_say(person: Person, content_type: str | None) -> None:
    given = {} if content_type is None else {"Content-Type": content_type}
    answer = await person.client.put(
        "/emoticon/picture", content=png(), headers={**person.headers, **given}
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("content_type", ["multipart/form-data", "text/html", "application/json"])
async def test_a_picture_is_sent_as_it_is(person: Person, content_type: str) -> None:
    assert (await upload(person, png(), content_type)).status_code == 415


@pytest.mark.parametrize("body", [b"", SVG, b"<html>", b"GIF88a", b"BM" + bytes(100)])
async def test_other_kinds_are_not_taken(person: Person, body: bytes) -> None:
    assert_problem(await upload(person, body), 415, "unsupported_picture")


async def test_what_is_cut_off_is_not_taken(person: Person) -> None:
    assert_problem(await upload(person, png()[:60]), 422, "invalid_picture")


async def test_an_uploaded_picture_has_no_svg_and_auto_never_chooses_it(person: Person) -> None:
    wanted = {"Accept": "image/svg+xml, image/png;q=0.5"}
    drawn = await person.emoticon({"format": "auto"}, wanted)
    assert drawn.headers["content-type"] == "image/svg+xml"
    await upload(person, png())
    assert_problem(await person.emoticon({"format": "svg"}), 422, "no_vector")
    answer = await person.emoticon({"format": "auto"}, wanted)
    assert answer.headers["content-type"] == "image/png"


async def test_a_body_beyond_5_mb_is_refused_also_when_it_does_not_say_so(person: Person) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(200):
            sent += 1
            yield bytes(64 * 1024)

    assert_problem(await upload(person, bytes(MAX_UPLOAD_BYTES + 1)), 413, "content_too_large")
    answer = await person.client.put(
        "/emoticon/picture",
        content=pieces(),
        headers={**person.headers, "Content-Type": "image/png"},
    )
    assert answer.status_code == 413
    assert sent < 100


async def test_it_needs_a_token(client: AsyncClient) -> None:
    for method in ("PUT", "DELETE"):
        answer = await client.request(method, "/emoticon/picture", content=b"x")
        assert_problem(answer, 401, "not_authenticated")


async def test_while_too_many_upload_one_more_is_told_before_its_body_is_read(
    client: AsyncClient,
) -> None:
    people = [await sign_up(client) for _ in range(5)]
    ends, begun = asyncio.Event(), asyncio.Semaphore(0)
    read: list[Person] = []

    async def slowly() -> AsyncIterator[bytes]:
        begun.release()
        await ends.wait()
        yield png()

    async def at_once() -> AsyncIterator[bytes]:
        read.append(people[4])
        yield png()

    def put(person: Person, body: AsyncIterator[bytes]) -> "asyncio.Task[Response]":
        headers = {**person.headers, "Content-Type": "image/png"}
        return asyncio.create_task(client.put("/emoticon/picture", content=body, headers=headers))

    slow = [put(person, slowly()) for person in people[:4]]
    for _ in slow:
        await begun.acquire()
    assert_problem(await put(people[4], at_once()), 503, "uploads_busy")
    assert read == []
    ends.set()
    assert {answer.status_code for answer in await asyncio.gather(*slow)} == {200}
    assert (await upload(people[4], png())).status_code == 200


async def test_uploads_of_one_account_are_limited(tmp_path: Path) -> None:
    async with served(tmp_path, limits="on", account_uploads=2) as client:
        ann, bob = await sign_up(client), await sign_up(client)
        assert (await upload(ann, png())).status_code == 200
        assert (await upload(ann, SVG)).status_code == 415
        assert_problem(await upload(ann, png()), 429, "too_many_attempts")
        assert (await upload(bob, png())).status_code == 200


async def test_an_operator_can_do_without_uploads(tmp_path: Path) -> None:
    async with served(tmp_path, uploads="off") as client:
        person = await sign_up(client)
        assert (await upload(person, png())).status_code == 404
        assert (await take_back(person)).status_code == 404
        assert (await client.get("/auth/user", headers=bearer(person.token))).status_code == 200


async def test_a_store_that_cannot_be_set_up_is_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(Exception, match="EMOTICON_STORE_URL cannot be used: "):
        async with served(tmp_path, store_url="az://container"):
            raise AssertionError("it has started")


async def test_another_directory_can_keep_them(tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    async with served(tmp_path / "data", store_url=f"file://{tmp_path}/else%20where") as client:
        person = await sign_up(client)
        assert (await upload(person, png())).status_code == 200
    assert len([*(elsewhere / "originals").iterdir()]) == 1
    assert not (tmp_path / "data" / "originals").exists()


async def test_a_picture_that_is_lost_is_stood_in_for_and_not_kept(
    person: Person, settings: Settings
) -> None:
    style = (await person.emoticon()).content
    await upload(person, png())
    [lost] = (settings.data_dir / "originals").glob(f"{await _id(person)}-*")
    lost.unlink()
    answer = await person.emoticon()
    assert answer.status_code == 200
    assert answer.content == style
    assert answer.headers["cache-control"] == "no-store"


async def test_the_picture_of_an_account_that_leaves_is_deleted(
    person: Person, settings: Settings
) -> None:
    await upload(person, png())
    pattern = f"{await _id(person)}-*"
    assert [*(settings.data_dir / "originals").glob(pattern)]
    answer = await person.client.request(
        "DELETE", "/auth/user", json={"password": PASSWORD}, headers=person.headers
    )
    assert answer.status_code == 204
    async with asyncio.timeout(30):
        while [*(settings.data_dir / "originals").glob(pattern)]:  # noqa: ASYNC110 - of files nobody tells
            await asyncio.sleep(0.02)


async def _id(person: Person) -> int:
    answer = await person.client.get("/auth/user", headers=person.headers)
    return int(answer.json()["id"])
