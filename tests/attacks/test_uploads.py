"""Attacks by uploads (F01 to F04, F06, G01, and the quota of each account)."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from httpx2 import Response
from tests.adapters.decoding.bombs import floods
from tests.attacks.conftest import Worlds
from tests.attacks.hostile_uploads import SETTINGS, run
from tests.attacks.wire import connect, head, statuses
from tests.attacks.world import Pair, World, at_once, refused
from tests.images import PLACE, SVG, colour, jpeg_with_metadata, png, similar

RED, BLUE = (200, 30, 30), (30, 30, 200)
MOST_BYTES = 5 * 2**20
HTML = b"<!doctype html><script>alert(1)</script>"


def upload(world: World, pair: Pair, body: bytes, content_type: str = "image/png") -> Response:
    headers = {"Content-Type": content_type}
    return world.send("PUT", "/emoticon/picture", at=pair.at, content=body, headers=headers)


def emoticon(world: World, pair: Pair, **query: str) -> Response:
    wanted = {"username": pair.username, **query}
    return world.send("GET", "/emoticon/", at=pair.at, params=wanted)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (HTML, "image/png"),
        (SVG, "image/svg+xml"),
        (SVG, "image/png"),
        (b"\0\0\1\0" + bytes(100), "image/x-icon"),
        (b"II*\0" + bytes(100), "image/tiff"),
        (b"8BPS" + bytes(100), "image/vnd.adobe.photoshop"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "image/heic"),
        (b"%PDF-1.7", "image/png"),
        (b"PK\3\4" + bytes(100), "image/png"),
    ],
)
def test_f01_what_is_of_another_kind_is_refused_whatever_it_says_it_is(
    lone_node: World, body: bytes, content_type: str
) -> None:
    pair = lone_node.sign_up()
    before = emoticon(lone_node, pair).content
    refused(upload(lone_node, pair, body, content_type), 415, "unsupported_picture")
    assert emoticon(lone_node, pair).content == before


def test_f01_nothing_behind_the_pixels_is_ever_served(lone_node: World) -> None:
    pair = lone_node.sign_up()
    assert upload(lone_node, pair, png(*RED) + HTML).status_code == 200
    [file] = files_of(lone_node, pair)
    for served in (file.read_bytes(), *bodies(lone_node, pair)):
        assert b"script" not in served
    answer = emoticon(lone_node, pair)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_f02_where_a_photo_was_taken_is_in_nothing_that_is_kept_or_served(
    lone_node: World,
) -> None:
    pair = lone_node.sign_up()
    assert upload(lone_node, pair, jpeg_with_metadata(), "image/jpeg").status_code == 200
    [file] = files_of(lone_node, pair)
    for served in (file.read_bytes(), *bodies(lone_node, pair)):
        for trace in (PLACE, b"Exif", b"EXIF", b"xmpmeta", b"ICCP", b"iCCP", b"eXIf", b"tEXt"):
            assert trace not in served


def test_f02_a_photo_that_lies_on_its_side_is_shown_upright(lone_node: World) -> None:
    pair = lone_node.sign_up()
    assert upload(lone_node, pair, jpeg_with_metadata(), "image/jpeg").status_code == 200
    picture = emoticon(lone_node, pair).content
    assert similar(colour(picture, 0.5, 0.1), (255, 0, 0))
    assert similar(colour(picture, 0.5, 0.9), (0, 0, 255))


def test_f04_a_body_beyond_5_mb_is_refused_at_its_head(lone_node: World) -> None:
    pair = lone_node.sign_up()
    sent = head(
        "PUT",
        "/emoticon/picture",
        {
            "Host": "a",
            "Authorization": f"Bearer {pair.at}",
            "Content-Type": "image/png",
            "Content-Length": str(MOST_BYTES + 1),
        },
    )
    with connect(lone_node.nodes[0]) as connection:
        connection.sendall(sent)
        assert statuses(connection.recv(65536)) == [413]


def test_f04_a_chunked_gigabyte_ends_after_5_mb(lone_node: World) -> None:
    pair = lone_node.sign_up()
    sent = head(
        "PUT",
        "/emoticon/picture",
        {
            "Host": "a",
            "Authorization": f"Bearer {pair.at}",
            "Content-Type": "image/png",
            "Transfer-Encoding": "chunked",
        },
    )
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    sent_bytes = 0
    with connect(lone_node.nodes[0]) as connection:
        connection.sendall(sent)
        try:
            while sent_bytes < 2**30:
                connection.sendall(chunk)
                sent_bytes += 0x10000
        except (BrokenPipeError, ConnectionResetError):
            pass  # as it should
    assert sent_bytes < 64 * 2**20, "what the kernel may buffer, and not a gigabyte"
    assert lone_node.send("GET", "/livez").status_code == 200


def test_f04_of_a_hundred_uploads_at_once_a_few_are_taken_and_memory_is_bounded(
    lone_node: World,
) -> None:
    pairs = [lone_node.sign_up() for _ in range(25)]
    node = lone_node.nodes[0]
    body = png(*RED) + bytes(MOST_BYTES - 100_000)
    before_bytes = resident(node.pid)
    answers = at_once([lambda pair=pair: upload(lone_node, pair, body) for pair in pairs * 4])  # type: ignore[misc]  # bound at once
    assert {answer.status_code for answer in answers} <= {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            refused(answer, 503, "uploads_busy")
    assert any(answer.status_code == 200 for answer in answers)
    assert resident(node.pid) - before_bytes < 400 * 2**20
    assert lone_node.send("GET", "/auth/user", at=pairs[0].at).status_code == 200


def test_f06_nobody_uploads_to_or_deletes_anothers_picture(lone_node: World) -> None:
    ann, bob = lone_node.sign_up(), lone_node.sign_up()
    assert upload(lone_node, ann, png(*RED)).status_code == 200
    anns = emoticon(lone_node, ann).content
    for query in (f"?username={ann.username}", "?account_id=1&id=1"):
        path = f"/emoticon/picture{query}"
        headers = {"Content-Type": "image/png"}
        sent = lone_node.send("PUT", path, at=bob.at, content=png(*BLUE), headers=headers)
        assert sent.status_code == 200
        assert similar(colour(emoticon(lone_node, bob).content, 0.5, 0.5), BLUE)
        assert lone_node.send("DELETE", path, at=bob.at).status_code == 204
    for path in (f"/emoticon/{ann.username}/picture", "/emoticon/picture/1"):
        assert lone_node.send("DELETE", path, at=bob.at).status_code == 404
    assert emoticon(lone_node, ann).content == anns


def test_f06_to_delete_twice_is_to_delete_once(lone_node: World) -> None:
    pair = lone_node.sign_up()
    style = emoticon(lone_node, pair).content
    assert upload(lone_node, pair, png(*RED)).status_code == 200
    for _ in range(2):
        answer = lone_node.send("DELETE", "/emoticon/picture", at=pair.at)
        assert (answer.status_code, answer.content) == (204, b"")
        assert emoticon(lone_node, pair).content == style
    assert lone_node.events(pair.username).count("picture_deleted") == 1


def test_an_upload_needs_a_token_and_a_cookie_counts_for_own_pages_only(
    lone_node: World,
) -> None:
    headers = {"Content-Type": "image/png", "Cookie": "__Host-access=x"}
    for given in ({"Content-Type": "image/png"}, headers):
        sent = lone_node.send("PUT", "/emoticon/picture", content=png(), headers=given)
        assert sent.status_code in {401, 403}


def test_the_quota_of_an_account_is_one_for_all_nodes_and_nobody_elses(
    worlds: Worlds, tmp_path: Path
) -> None:
    knobs = {
        "EMOTICON_LIMITS": "on",
        "EMOTICON_ACCOUNT_UPLOADS": "3",
        "EMOTICON_STORE_URL": f"file://{tmp_path}/shared",
    }
    with worlds.three(2, **knobs) as world:
        ann, bob = world.sign_up(), world.sign_up()
        for number in range(3):
            assert upload(world, ann, png(*(RED, BLUE)[number % 2])).status_code == 200
        for _ in world.nodes:
            refused(upload(world, ann, png(*BLUE)), 429, "too_many_attempts")
        assert upload(world, bob, png(*BLUE)).status_code == 200
        for node in world.nodes:
            for pair, expected in ((ann, RED), (bob, BLUE)):
                query = {"username": pair.username}
                answer = node.send("GET", "/emoticon/", at=pair.at, params=query)
                assert similar(colour(answer.content, 0.5, 0.5), expected)


def test_f03_a_flood_of_pixels_is_refused_by_its_head(lone_node: World) -> None:
    pair = lone_node.sign_up()
    before = emoticon(lone_node, pair).content
    for flood in floods().values():
        refused(upload(lone_node, pair, flood), 422, "invalid_picture")
    assert emoticon(lone_node, pair).content == before


def test_f03_hostile_pictures_are_refused_or_nothing_but_their_pixels_is_served(
    worlds: Worlds,
) -> None:
    with worlds.one(**SETTINGS) as world:
        outcome = run(world, 40, seed=6)
    assert outcome.faults == []
    assert {"200", "415 unsupported_picture", "422 invalid_picture"} <= {*outcome.counts}
    assert outcome.most_rss_bytes < outcome.first_rss_bytes + 800 * 2**20


def test_g01_an_svg_that_is_opened_by_itself_may_do_nothing(lone_node: World) -> None:
    pair = lone_node.sign_up()
    for picture in (
        emoticon(lone_node, pair, format="svg"),
        lone_node.send("GET", "/styles/glass/sample.svg"),
        lone_node.send("GET", f"/u/{pair.username}.svg"),
    ):
        assert picture.headers["content-type"] == "image/svg+xml"
        assert picture.headers["x-content-type-options"] == "nosniff"
        policy = picture.headers["content-security-policy"]
        assert policy == "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def files_of(world: World, pair: Pair) -> list[Path]:
    """Return the originals of an account, once those that nobody shows are deleted."""
    answer = world.send("GET", "/auth/user", at=pair.at)
    return [*(world.directory / "originals").glob(f"{answer.json()['id']}-*")]


def bodies(world: World, pair: Pair) -> Iterator[bytes]:
    """Return its pictures in a few sizes and all formats."""
    for size, kind in itertools.product(("16", "128", "512"), ("png", "webp", "avif")):
        answer = emoticon(world, pair, size=size, format=kind)
        assert answer.status_code == 200, answer.text
        yield answer.content


def resident(pid: int) -> int:
    """Return the bytes that a process and those that it has started have in memory."""
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
