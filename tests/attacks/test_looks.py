"""Looks that break out of their style: into the picture, into headers, into other accounts, or into the service."""

import base64
import json
import zlib
from typing import Any

import pytest
from httpx2 import Response
from tests.attacks.world import Pair, World, refused, until

URL = "http://127.0.0.1:9/x.svg"
OPTIONS: list[dict[str, Any]] = [
    {"backgroundColor": f"red;url({URL})"},
    {"backgroundColor": [f"url({URL})"]},
    {"backgroundColor": "aabbcc\r\nX-Evil: 1"},
    {"backgroundColor": '"/><script>alert(1)</script>'},
    {"backgroundColor": ["aabbcc"] * 1000},
    {"backgroundColor": {"$ne": ""}},
    {"onload": "alert(1)"},
    {"style": "glass"},
    {"__proto__": {"size": 9000}},
    {"constructor": {"prototype": {}}},
    {"size": 100_000},
    {"seed": "another"},
    {"idRandomization": True},
    {"title": "<script>"},
    {"fontFamily": f"x;src:url({URL})"},
    {"fontFamily": "Comic Sans"},
    {"eyesVariant": "../../etc/passwd"},
    {"eyesVariant": ["happy"] * 1000},
    {"rotate": 1e308},
    {"rotate": [[[[1]]]]},
    {"tags": "!" * 2000},
]
STYLES = [
    *(
        "__proto__",
        "__proto__/../x",
        "../../etc/passwd",
        "moods.json",
        "moods\0",
        "moods\r\nX-Evil: 1",
    ),
    *(
        "constructor",
        "MOODS",
        "ｍｏｏｄｓ",
        "moods/../glass",
        "..%2fmoods",
        "' OR 1=1 --",
        "x" * 60_000,
    ),
]


@pytest.fixture(scope="module")
def ann(lone_node: World) -> Pair:
    """An account that no attack may change."""
    return lone_node.sign_up()


def put(world: World, pair: Pair, **body: Any) -> Response:
    return world.send("PUT", "/emoticon/look", at=pair.at, json=body)


def look_of(world: World, pair: Pair) -> dict[str, Any]:
    found: dict[str, Any] = world.send("GET", "/emoticon/look", at=pair.at).json()
    return found


def picture(world: World, pair: Pair, picture_format: str = "png") -> Response:
    query = {"username": pair.username, "format": picture_format}
    return world.send("GET", "/emoticon/", at=pair.at, params=query)


def unchanged(answer: Response, code: str, world: World, pair: Pair, before: Any) -> None:
    refused(answer, 422, code)
    assert "x-evil" not in answer.headers
    assert look_of(world, pair) == before


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: json.dumps(options)[:40])
def test_g03_options_are_those_of_the_style_and_nothing_else(
    lone_node: World, ann: Pair, options: dict[str, Any]
) -> None:
    before = look_of(lone_node, ann)
    answer = put(lone_node, ann, style="moods", options=options)
    unchanged(answer, "invalid_look", lone_node, ann, before)
    packed = zlib.compress(b"moods\0" + json.dumps(options).encode() + b"\0Ann", wbits=-15)
    look_id = base64.urlsafe_b64encode(b"\x12" + packed).decode().rstrip("=")
    answer = put(lone_node, ann, look=look_id[:1500])
    unchanged(answer, "invalid_look", lone_node, ann, before)


def test_g03_options_in_the_query_have_no_influence_on_the_own_emoticon(
    lone_node: World, ann: Pair
) -> None:
    plain = picture(lone_node, ann)
    query = {"username": ann.username, "backgroundColor": f"red;url({URL})", "style": "x", "v": "1"}
    odd = lone_node.send("GET", "/emoticon/", at=ann.at, params=query)
    assert (odd.status_code, odd.content) == (200, plain.content)
    sample = [
        lone_node.send("GET", f"/styles/moods/sample.svg{query}").content
        for query in ("", f"?backgroundColor=red;url({URL})&seed=x")
    ]
    assert sample[0] == sample[1]


@pytest.mark.parametrize("style", STYLES, ids=lambda style: repr(style)[:30])
def test_c07_h15_a_style_is_one_of_the_list_or_refused(
    lone_node: World, ann: Pair, style: str
) -> None:
    before = look_of(lone_node, ann)
    unchanged(put(lone_node, ann, style=style), "unknown_style", lone_node, ann, before)


@pytest.mark.parametrize("seed", ["a\r\nX-Evil: 1", "\0", "\ud800", "a\u0085b", "x" * 60_000])
def test_h15_a_seed_divides_no_header(lone_node: World, ann: Pair, seed: str) -> None:
    before = look_of(lone_node, ann)
    text = json.dumps({"style": "moods", "seed": seed})
    answer = lone_node.send(
        "PUT",
        "/emoticon/look",
        at=ann.at,
        content=text,
        headers={"Content-Type": "application/json"},
    )
    unchanged(answer, answer.json()["code"], lone_node, ann, before)


@pytest.mark.parametrize("style", ["initials", "initial-face", "moods"])
def test_a_seed_writes_no_markup_into_the_picture(lone_node: World, style: str) -> None:
    pair = lone_node.sign_up()
    seed = '"><script>alert(1)</script><image href="x"/>&xxe;'
    assert put(lone_node, pair, style=style, seed=seed).status_code == 200
    svg = picture(lone_node, pair, "svg")
    assert svg.status_code == 200
    for evil in ("<script", "<image", "&xxe;", "alert"):
        assert evil not in svg.text
    assert picture(lone_node, pair).content.startswith(b"\x89PNG")


def test_a_bomb_of_an_id_is_refused_without_unpacking_it(lone_node: World, ann: Pair) -> None:
    before = look_of(lone_node, ann)
    bomb = zlib.compress(b"moods\0" + b'{"a":"' + b"a" * 1_000_000 + b'"}\0Ann', 9, wbits=-15)
    look_id = base64.urlsafe_b64encode(b"\x12" + bomb).decode().rstrip("=")
    assert len(look_id) <= 1500
    unchanged(put(lone_node, ann, look=look_id), "invalid_look", lone_node, ann, before)


def test_a_look_cannot_name_anothers_uploaded_picture(lone_node: World, ann: Pair) -> None:
    other = lone_node.sign_up()
    png = picture(lone_node, other).content
    sent = lone_node.send("PUT", "/emoticon/picture", at=other.at, content=png)
    assert sent.status_code == 200
    shared = look_of(lone_node, other)
    assert put(lone_node, ann, look=shared["id"]).status_code == 200
    taken = look_of(lone_node, ann)
    assert (taken["uploaded"], taken["seed"]) == (False, shared["seed"])
    refused(put(lone_node, ann, style="moods", original="1/0123"), 422, "invalid_input")


def test_nobody_changes_the_look_of_another(world: World) -> None:
    ann, bob = world.sign_up(), world.sign_up()
    before = look_of(world, bob)
    for query in (f"?username={bob.username}", "?account_id=2"):
        answer = world.send("PUT", f"/emoticon/look{query}", at=ann.at, json={"style": "glass"})
        assert answer.status_code == 200
    assert look_of(world, bob) == before
    assert look_of(world, ann)["style"] == "glass"


def test_on_every_node_the_look_before_is_gone_with_the_news(world: World) -> None:
    pair = world.sign_up()
    for style in ("glass", "moods", "critters"):
        for _ in world.nodes:
            assert picture(world, pair).status_code == 200  # published on each node
        answer = put(world, pair, style=style, seed="Ann")
        assert answer.status_code == 200
        until(lambda: {look_of(world, pair)["style"] for _ in world.nodes}, {style}, within_s=3)
        tags = {picture(world, pair).headers["etag"] for _ in world.nodes}
        assert len(tags) == 1


def test_a_dead_token_changes_no_look(world: World) -> None:
    pair = world.sign_up()
    world.sign_out(pair)
    for method, path in (
        ("GET", "/emoticon/look"),
        ("PUT", "/emoticon/look"),
        ("POST", "/emoticon/look/reroll"),
        ("DELETE", "/emoticon/look"),
    ):
        for node in world.nodes:
            answer = world.send(method, path, at=pair.at, json={"style": "glass"}, node=node)
            refused(answer, 401)
