"""The HTTP contract of styles, samples and credits: for everybody, and for caches."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from httpx2 import AsyncClient, Response
from jsonschema import Draft202012Validator
from tests.upstream import Upstream
from tests.web.conftest import assert_problem, served
from tests.web.test_emoticons import png_size

from emoticon.adapters.generators import styles

FONTS = Path(styles.__file__).parent / "fonts"
PUBLIC = "public, max-age=3600"
DESCRIBED = {
    *("name", "title", "creator", "creator_url", "source_url", "license", "license_url", "sample")
}


def assert_public(answer: Response) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == PUBLIC
    assert answer.headers["etag"].startswith('"')
    assert "set-cookie" not in answer.headers
    assert "vary" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        *("/styles", "/styles/", "/styles/moods", "/styles/moods/", "/credits", "/credits/"),
        *("/styles/moods/sample.png", "/styles/moods/sample.svg"),
    ],
)
async def test_anybody_may_ask_and_keep_the_answer(client: AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert_public(answer)
    head = await client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for tag in (answer.headers["etag"], "*"):
        same = await client.get(path, headers={"If-None-Match": tag})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == answer.headers["etag"]
        assert same.headers["cache-control"] == PUBLIC
    other = await client.get(path, headers={"If-None-Match": '"other"'})
    assert other.content == answer.content


async def test_all_styles_are_listed_with_whom_to_thank(client: AsyncClient) -> None:
    body = (await client.get("/styles")).json()
    assert body["default"] == "moods"
    assert [style["name"] for style in body["styles"]] == list(styles.names())
    assert len(body["styles"]) == 61
    for style in body["styles"]:
        assert style.keys() == DESCRIBED
        assert style["license"]
        assert style["creator"]
        assert style["license_url"].startswith("https://")


@pytest.mark.parametrize("name", styles.names())
async def test_each_style_says_what_it_lets_choose_and_shows_a_sample(
    client: AsyncClient, name: str
) -> None:
    body = (await client.get(f"/styles/{name}")).json()
    assert body.keys() == {*DESCRIBED, "options"}
    Draft202012Validator.check_schema(body["options"])
    assert "backgroundColor" in body["options"]["properties"]
    sample = await client.get(body["sample"])
    assert png_size(sample.content) == (128, 128)


@pytest.mark.parametrize("size", ["64", "128", "256"])
async def test_a_sample_comes_in_three_sizes(client: AsyncClient, size: str) -> None:
    png = await client.get("/styles/glass/sample.png", params={"size": size})
    assert png_size(png.content) == (int(size), int(size))
    assert png.headers["content-type"] == "image/png"
    svg = await client.get("/styles/glass/sample.svg", params={"size": size})
    assert f'width="{size}"' in svg.text
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in svg.headers["content-security-policy"]
    for answer in (png, svg):
        assert answer.headers["link"] == '</credits>; rel="license"'


@pytest.mark.parametrize("size", ["", "0", "63", "65", "512", "1e9", "NaN", "0128", "9" * 30])
async def test_a_sample_of_another_size_is_refused(client: AsyncClient, size: str) -> None:
    answer = await client.get("/styles/moods/sample.png", params={"size": size})
    assert_problem(answer, 422, "invalid_input")


@pytest.mark.parametrize("ending", ["webp", "avif", "exe", "PNG", "png%00", "svg%0d%0aX-Evil:1"])
async def test_a_sample_in_another_format_is_refused(client: AsyncClient, ending: str) -> None:
    answer = await client.get(f"/styles/moods/sample.{ending}")
    assert_problem(answer, 422, "invalid_input")
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    "name",
    [
        *("gone", "MOODS", "upstream", "original", "__proto__", "constructor", "x" * 4000),
        *("%2e%2e%2fmoods", "..%5cmoods", "moods%00", "moods%0d%0aX-Evil:1", "%3Cscript%3E", "%ff"),
    ],
)
async def test_a_style_that_is_not_there_is_not_found(client: AsyncClient, name: str) -> None:
    for path in (f"/styles/{name}", f"/styles/{name}/sample.png"):
        answer = await client.get(path)
        assert_problem(answer, 404, "not_found")
        assert "x-evil" not in answer.headers
        assert "script" not in answer.text


async def test_the_styles_can_only_be_read(client: AsyncClient) -> None:
    for path in ("/styles", "/styles/moods", "/styles/moods/sample.png", "/credits"):
        answer = await client.post(path)
        assert_problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD"


async def test_the_credits_name_every_artist_every_font_and_whose_uploads_are(
    client: AsyncClient,
) -> None:
    body = (await client.get("/credits")).json()
    assert [style["name"] for style in body["styles"]] == list(styles.names())
    for style in body["styles"]:
        assert style.keys() == DESCRIBED - {"sample"}
    about = (FONTS / "README.md").read_text("utf-8")
    assert body["fonts"]
    for font in body["fonts"]:
        assert font["name"] in about
        assert font["license"].removesuffix(" 1.1") in " ".join(about.split())
        assert font["license_url"].startswith("https://")
    families = {path.stem.partition("-")[0] for path in FONTS.glob("*.ttf")}
    assert families == {font["name"].replace(" ", "") for font in body["fonts"]}
    assert "belongs to" in body["uploads"]


# -- an operator's brand ------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def branded(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[AsyncClient]:
    """A service with two styles, one of them another service's."""
    with Upstream() as server:
        knobs = {
            "styles": "upstream,glass",
            "default_style": "glass",
            "palette": "ff0000",
            "upstream_url": server.template,
        }
        async with served(tmp_path_factory.mktemp("branded"), **knobs) as client:
            yield client


async def test_only_the_styles_of_the_brand_are_listed_and_all_are_credited(
    branded: AsyncClient,
) -> None:
    body = (await branded.get("/styles")).json()
    assert body["default"] == "glass"
    assert [style["name"] for style in body["styles"]] == ["glass", "upstream"]
    for path in ("/styles/moods", "/styles/moods/sample.png"):
        assert_problem(await branded.get(path), 404, "not_found")
    credited = (await branded.get("/credits")).json()["styles"]
    assert len(credited) == 62


async def test_a_sample_has_the_colours_of_the_brand(
    client: AsyncClient, branded: AsyncClient
) -> None:
    usual, own = [(await each.get("/styles/glass/sample.svg")).text for each in (client, branded)]
    assert 'fill="#ff0000"' in own
    assert 'fill="#ff0000"' not in usual


async def test_the_style_of_another_service_has_a_sample_and_lets_nothing_be_chosen(
    branded: AsyncClient,
) -> None:
    body = (await branded.get("/styles/upstream")).json()
    assert body["options"] == {"type": "object", "maxProperties": 0}
    assert png_size((await branded.get(body["sample"])).content) == (128, 128)
