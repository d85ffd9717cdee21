"""The HTTP contract of looks."""

import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient, Response
from tests.web.browser import Browser
from tests.web.conftest import Person, assert_problem, new_name, served, sign_up

from emoticon.domain.errors import UnknownStyle
from emoticon.domain.models import Event, Look, Origin
from emoticon.domain.services import Services

PATHS = ["/emoticon/look", "/emoticon/look/"]
WAYS = [("GET", "/emoticon/look"), ("PUT", "/emoticon/look"), ("DELETE", "/emoticon/look")]
WAYS += [("POST", "/emoticon/look/reroll")]
GLASS = {"style": "glass", "seed": "Zoë", "options": {"rotate": 10.0, "flip": ["both", "none"]}}


async def send(person: Person, method: str, path: str = "/emoticon/look", **sent: Any) -> Response:
    headers = {**person.headers, **sent.pop("headers", {})}
    return await person.client.request(method, path, headers=headers, **sent)


async def put(person: Person, **body: Any) -> Response:
    return await send(person, "PUT", json=body)


async def put_text(person: Person, text: str) -> Response:
    return await send(person, "PUT", content=text, headers={"Content-Type": "application/json"})


async def look_of(person: Person) -> dict[str, Any]:
    answer = await send(person, "GET")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("path", PATHS)
async def test_a_new_account_has_a_look_that_says_nothing_of_its_name(
    person: Person, path: str
) -> None:
    answer = await send(person, "GET", path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    look = answer.json()
    assert re.fullmatch("[0-9a-f]{16}", look.pop("seed"))
    assert re.fullmatch("[0-9a-f]{12}", look.pop("version"))
    assert re.fullmatch("[A-Za-z0-9_-]{22}", look.pop("id"))
    assert look == {
        "style": "moods",
        "options": {},
        "generator": "dicebear",
        "generator_version": 10,
        "uploaded": False,
    }


@pytest.mark.parametrize("path", PATHS)
async def test_a_look_is_chosen_and_answered_and_drawn(person: Person, path: str) -> None:
    before = await person.emoticon()
    answer = await send(person, "PUT", path, json=GLASS)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    look = answer.json()
    assert (look["style"], look["seed"]) == ("glass", "Zoë")
    assert look["options"] == {"flip": ["both", "none"], "rotate": 10}
    assert await look_of(person) == look
    assert (await person.emoticon()).content != before.content


async def test_the_version_changes_with_the_look_and_comes_back_with_it(person: Person) -> None:
    looks = [(await put(person, style=style, seed="a")).json() for style in ("glass", "moods") * 2]
    versions = [look["version"] for look in looks]
    assert versions[:2] == versions[2:]
    assert versions[0] != versions[1]


async def test_without_a_seed_the_face_stays_what_it_was_made_from(person: Person) -> None:
    before = await look_of(person)
    for body in ({"style": "glass"}, {"style": "glass", "options": {}}):
        after = (await put(person, **body)).json()
        assert (after["style"], after["seed"]) == ("glass", before["seed"])


async def test_a_shared_look_is_taken_over(client: AsyncClient, person: Person) -> None:
    look_id = (await put(person, **GLASS)).json()["id"]
    other = await sign_up(client)
    assert (await put(other, look=look_id)).json() == await look_of(person)
    one, two = [await each.emoticon() for each in (person, other)]
    assert one.content == two.content


async def test_another_throw_of_the_dice_is_another_face_of_the_same_style(person: Person) -> None:
    before = (await put(person, **GLASS)).json()
    for path in ("/emoticon/look/reroll", "/emoticon/look/reroll/"):
        answer = await send(person, "POST", path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        after = answer.json()
        assert (after["style"], after["options"]) == (before["style"], before["options"])
        assert len({before["seed"], after["seed"]}) == len({before["id"], after["id"]}) == 2
        assert await look_of(person) == after
        before = after


@pytest.mark.parametrize("path", PATHS)
async def test_a_look_can_begin_anew(person: Person, path: str) -> None:
    first = await look_of(person)
    await put(person, **GLASS)
    answer = await send(person, "DELETE", path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    again = answer.json()
    assert (again["style"], again["options"]) == ("moods", {})
    assert again["seed"] not in {first["seed"], "Zoë"}
    assert await look_of(person) == again


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"seed": "a"},
        {"options": {}},
        {"style": "moods", "look": "EW1vb2RzAAABI0VniavN7w"},
        {"look": "EW1vb2RzAAABI0VniavN7w", "seed": "a"},
        {"look": "EW1vb2RzAAABI0VniavN7w", "options": {}},
        {"style": "moods", "original": "one"},
        {"style": "moods", "generator": "dicebear"},
        {"style": "moods", "generator_version": 9},
        {"style": "moods", "__proto__": {}},
        {"style": ""},
        {"style": None},
        {"style": ["moods"]},
        {"style": "moods", "seed": ""},
        {"style": "moods", "seed": 7},
        {"style": "moods", "seed": "x" * 129},
        {"style": "moods", "options": []},
        {"style": "moods", "options": "{}"},
        {"look": ""},
        {"look": None},
        {"look": "E" * 1501},
        [],
        "moods",
        0,
    ],
)
async def test_a_body_of_another_form_is_refused(person: Person, body: Any) -> None:
    before = await look_of(person)
    assert_problem(await send(person, "PUT", json=body), 422, "invalid_input")
    assert await look_of(person) == before


@pytest.mark.parametrize(
    "text",
    [
        '{"style":"moods","style":"glass"}',
        '{"style":"moods","options":{"rotate":1,"rotate":2}}',
        '{"style":"moods","options":' + '{"a":' * 3000,
        '{"style":"\\ud800',
        "",
    ],
)
async def test_what_is_no_strict_json_is_refused(person: Person, text: str) -> None:
    assert_problem(await put_text(person, text), 422, "invalid_input")


async def test_a_look_is_sent_as_json(person: Person) -> None:
    answer = await send(person, "PUT", data={"style": "moods"})
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        ({"style": "gone"}, "unknown_style", "There is no such style"),
        ({"style": "original"}, "unknown_style", "There is no such style"),
        ({"style": "upstream"}, "unknown_style", "There is no such style"),
        (
            {"style": "moods", "seed": "a\r\nX-Evil: 1"},
            "invalid_look",
            "A seed has 1 to 128 characters, none of them a control character",
        ),
        (
            {"style": "moods", "options": {"eyesVariant": "x-marks"}},
            "invalid_look",
            "The option eyesVariant cannot have this value",
        ),
        (
            {"style": "moods", "options": {"x-marks": 1}},
            "invalid_look",
            "The style has no such option",
        ),
        (
            {"style": "moods", "options": {"eyesVariant": ["happy"] * 500}},
            "invalid_look",
            "The options have more than 2048 bytes",
        ),
        ({"look": "x-marks"}, "invalid_look", "This is no id of a look"),
    ],
)
async def test_what_cannot_be_drawn_is_refused_in_plain_words(
    person: Person, body: dict[str, Any], code: str, detail: str
) -> None:
    before = await look_of(person)
    answer = await put(person, **body)
    assert_problem(answer, 422, code)
    assert answer.json()["detail"] == detail
    assert "x-marks" not in answer.text
    assert await look_of(person) == before


async def test_numbers_that_are_none_are_refused(person: Person) -> None:
    for number in ("NaN", "Infinity", "1e999", "9" * 5000):
        text = f'{{"style":"moods","options":{{"rotate":{number}}}}}'
        assert (await put_text(person, text)).status_code == 422


@pytest.mark.parametrize(("method", "path"), WAYS)
async def test_nobody_looks_or_changes_without_a_token(
    client: AsyncClient, method: str, path: str
) -> None:
    assert_problem(await client.request(method, path, json=GLASS), 401, "not_authenticated")


async def test_a_page_of_this_site_may_do_all_of_it_by_cookie(client: AsyncClient) -> None:
    browser = Browser(client)
    await browser.sign_up(new_name())
    assert (await browser.send("PUT", "/emoticon/look", json=GLASS)).json()["style"] == "glass"
    for method, path in (WAYS[0], *WAYS[2:]):
        answer = await browser.send(method, path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")


@pytest.mark.parametrize(("method", "path"), WAYS[1:])
async def test_a_page_of_another_site_changes_nothing(
    client: AsyncClient, method: str, path: str
) -> None:
    browser = Browser(client)
    await browser.sign_up(new_name())
    browser.page = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert_problem(await browser.send(method, path, json=GLASS), 403, "cross_site")


async def test_an_uploaded_picture_is_said_its_name_is_not_and_any_choice_ends_it(
    person: Person,
) -> None:
    picture = (await person.emoticon()).content
    for method, path in WAYS[1:]:
        sent = await send(person, "PUT", "/emoticon/picture", content=picture)
        assert sent.status_code == 200
        shown = await look_of(person)
        assert shown["uploaded"] is True
        assert shown["version"] == sent.json()["version"]
        assert "original" not in shown
        chosen = (await send(person, method, path, json=GLASS)).json()
        assert chosen["uploaded"] is False


async def test_a_look_whose_generator_has_gone_is_still_said(
    services: Services, person: Person
) -> None:
    account = (await services.sessions.identities.of(person.token)).account
    gone = Look("robots", "a", generator="gone", generator_version=3)
    changed = await services.looks.store.change(account.id, lambda _: gone, Event.LOOK, Origin())
    assert changed is not None
    await services.looks.revocation.announce(changed[1])
    look = await look_of(person)
    assert (look["generator"], look["generator_version"], look["version"]) == ("gone", 3, "")
    assert_problem(await send(person, "POST", "/emoticon/look/reroll"), 422, "unknown_style")
    assert (await put(person, style="moods")).json()["generator"] == "dicebear"


# -- an operator's brand ------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def branded(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[AsyncClient]:
    """A service with two styles and two colours of its own."""
    knobs = {"styles": "glass, initials", "default_style": "initials", "palette": "1b9e77, #D95F02"}
    async with served(Path(tmp_path_factory.mktemp("branded")), **knobs) as client:
        yield client


async def test_new_looks_have_the_style_and_colours_of_the_brand(branded: AsyncClient) -> None:
    person = await sign_up(branded)
    palette = {"backgroundColor": ["1b9e77", "d95f02"]}
    first = await look_of(person)
    assert (first["style"], first["options"]) == ("initials", palette)
    assert (await put(person, style="glass")).json()["options"] == palette
    assert (await put(person, style="glass", options={})).json()["options"] == {}
    assert (await send(person, "DELETE")).json()["options"] == palette


async def test_no_other_style_may_be_chosen_not_even_by_a_shared_look(
    client: AsyncClient, branded: AsyncClient
) -> None:
    person = await sign_up(branded)
    foreign = (await look_of(await sign_up(client)))["id"]
    for body in ({"style": "moods"}, {"look": foreign}):
        assert_problem(await put(person, **body), 422, UnknownStyle.code)


async def test_the_document_describes_the_look_that_is_answered(person: Person) -> None:
    document = (await person.client.get("/openapi.json")).json()
    schema = document["components"]["schemas"]["LookAnswer"]
    assert set(schema["properties"]) == set(schema["required"]) == set(await look_of(person))
    body = document["paths"]["/emoticon/look"]["put"]["requestBody"]["content"]
    assert json.dumps(body).count('"additionalProperties": false') == 1
