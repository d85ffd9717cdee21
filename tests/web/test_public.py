"""The HTTP contract of pictures for anybody."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from dicebear import Avatar
from httpx2 import AsyncClient, Response
from tests.web.conftest import assert_problem, served, sign_up
from tests.web.test_emoticons import MAGIC, png_size

from emoticon.adapters.generators import styles
from emoticon.adapters.generators.lettering import FONT_FAMILY

ANY_PAGE = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
MD5 = "0bc83cb571cd1c50ba6f3e8a78ef1346"
URLS = [
    "/a/moods/ann.png",
    "/monster/ann",
    "/10.x/moods/png?seed=ann",
    "/7.x/thumbs/svg/seed=ann&radius=10",
    f"/avatar/{MD5}",
    f"/avatar/{MD5}?d=blank",
]
LASTING = "public, max-age=31536000, immutable"
DAILY = "public, max-age=86400"


@pytest.fixture(scope="module")
async def public(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[AsyncClient]:
    directory = tmp_path_factory.mktemp("public")
    async with served(directory, public_generator="on") as client:
        yield client


def assert_for_any_page(answer: Response) -> None:
    assert {name: answer.headers[name] for name in ANY_PAGE} == ANY_PAGE
    unwanted = {"set-cookie", "access-control-allow-credentials", "vary"}
    assert not unwanted & set(answer.headers)


@pytest.mark.parametrize("url", URLS)
async def test_it_is_not_there_by_default(client: AsyncClient, url: str) -> None:
    assert_problem(await client.get(url), 404, "not_found")
    assert_problem(await client.options(url), 404, "not_found")


@pytest.mark.parametrize("url", URLS)
async def test_a_picture_may_be_kept_and_shown_by_everybody(public: AsyncClient, url: str) -> None:
    answer = await public.get(url)
    assert answer.status_code == 200
    assert_for_any_page(answer)
    assert answer.headers["cache-control"] == (DAILY if "/avatar/" in url else LASTING)
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"].startswith('"')
    policy = answer.headers.get("content-security-policy")
    assert (policy is not None) == (answer.headers["content-type"] == "image/svg+xml")


@pytest.mark.parametrize("url", URLS)
async def test_who_has_it_gets_304(public: AsyncClient, url: str) -> None:
    first = await public.get(url)
    again = await public.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert_for_any_page(again)
    for name in ("etag", "cache-control", "link"):
        assert again.headers[name] == first.headers[name]


@pytest.mark.parametrize("url", URLS)
async def test_head_says_what_get_would(public: AsyncClient, url: str) -> None:
    got, asked = await public.get(url), await public.head(url)
    assert asked.content == b""
    different = {"date", "x-request-id"}
    assert {name: value for name, value in asked.headers.items() if name not in different} == {
        name: value for name, value in got.headers.items() if name not in different
    }


@pytest.mark.parametrize("url", URLS)
async def test_who_asks_has_no_say(public: AsyncClient, url: str) -> None:
    person = await sign_up(public)
    headers = {"Authorization": "Bearer x", "Cookie": f"__Host-access={person.token}"}
    answer = await public.get(url, headers={**headers, "Origin": "https://evil.example"})
    assert answer.content == (await public.get(url)).content
    assert_for_any_page(answer)


@pytest.mark.parametrize("url", [*URLS, f"/avatar/{MD5}/"])
async def test_a_browser_may_ask_first(public: AsyncClient, url: str) -> None:
    asking = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match",
    }
    answer = await public.options(url, headers=asking)
    assert (answer.status_code, answer.content) == (204, b"")
    assert_for_any_page(answer)
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "*"


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("/a/nosuch/ann.png", 404, "not_found"),
        ("/a/__proto__/ann.png", 404, "not_found"),
        ("/a/moods/ann.exe", 422, "invalid_input"),
        ("/a/moods/ann.PNG", 422, "invalid_input"),
        ("/a/moods/ann.png?size=513", 422, "invalid_size"),
        ("/a/moods/ann.png?size=", 422, "invalid_size"),
        ("/a/moods/ann.png?utm=x", 422, "invalid_look"),
        ("/a/moods/ann.png?title=x", 422, "invalid_look"),
        ("/a/avataaars/ann.png?eyesVariant=nosuch", 422, "invalid_look"),
        (f"/a/moods/{'x' * 129}.png", 422, "invalid_look"),
        ("/a/moods/a%00b.png", 422, "invalid_look"),
        ("/monster/ann?size=abc", 422, "invalid_size"),
        ("/monster/", 422, "invalid_look"),
        ("/10.x/nosuch/png", 404, "not_found"),
        ("/10.x/moods/gif", 422, "invalid_input"),
        ("/10.x/moods/png?rotate=fast", 422, "invalid_look"),
        ("/avatar/ann@example.com", 422, "invalid_input"),
        (f"/avatar/{MD5}?s=big", 422, "invalid_size"),
        (f"/avatar/{MD5}?d=404", 404, "not_found"),
    ],
)
async def test_refusals_may_be_read_by_any_page_and_are_never_kept(
    public: AsyncClient, url: str, status: int, code: str
) -> None:
    answer = await public.get(url)
    assert_problem(answer, status, code)
    assert_for_any_page(answer)


async def test_other_methods_are_not_allowed(public: AsyncClient) -> None:
    answer = await public.post("/a/moods/ann.png")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("picture_format", MAGIC)
async def test_each_format_is_what_it_says(public: AsyncClient, picture_format: str) -> None:
    for url in (f"/a/moods/ann.{picture_format}", f"/10.x/moods/{picture_format}?seed=ann"):
        answer = await public.get(url)
        assert answer.content.startswith(MAGIC[picture_format])
        assert picture_format in answer.headers["content-type"]


@pytest.mark.parametrize(
    ("url", "size_px"),
    [
        ("/a/moods/ann.png", 128),
        ("/a/moods/ann.png?size=17", 17),
        ("/a/moods/ann.png?size=x&size=18", 18),
        ("/a/moods/a.b..png", 128),
        ("/monster/ann", 20),
        ("/monster/ann?size=6000", 512),
        ("/10.x/moods/png", 128),
        ("/10.x/moods/jpg?size=4", 16),
        ("/10.x/moods/jpeg/?size=40", 40),
        ("/6.x/adventurer/png?size=96", 96),
        (f"/avatar/{MD5}", 80),
        (f"/avatar/{MD5}/?s=2048&size=3", 512),
        (f"/avatar/{MD5}?size=33&d=mp", 33),
        (f"/avatar/{MD5}?s=&size=34&d=mm", 34),
        (f"/avatar/{MD5}.jpg?s=77&d=blank", 77),
    ],
)
async def test_a_png_has_the_size_that_its_service_has(
    public: AsyncClient, url: str, size_px: int
) -> None:
    answer = await public.get(url)
    assert answer.headers["content-type"] == "image/png"
    assert png_size(answer.content) == (size_px, size_px)


async def test_the_same_look_is_the_same_picture_by_whatever_url(public: AsyncClient) -> None:
    urls = (
        f"/a/critters/{MD5}.png?size=80",
        f"/monster/{MD5}?size=80",
        f"/10.x/critters/png?size=80&seed={MD5}",
        f"/5.x/critters/png/seed={MD5}&size=80",
        f"/avatar/{MD5.upper()}?d=monsterid&f=y&r=g",
        f"/avatar/{MD5}?default=critters",
    )
    assert len({(await public.get(url)).content for url in urls}) == 1


async def test_options_are_the_style_s_and_their_order_has_no_say(public: AsyncClient) -> None:
    one = await public.get("/a/avataaars/ann.svg?eyesVariant=happy,wink&rotate=10.0&size=64")
    other = await public.get(
        "/a/avataaars/ann.svg?size=64&rotate=10&eyesVariant[]=happy&eyesVariant[]=wink"
    )
    plain = await public.get("/a/avataaars/ann.svg?size=64")
    assert one.content == other.content != plain.content
    assert one.headers["etag"] == other.headers["etag"]


@pytest.mark.parametrize(
    ("style", "query", "options"),
    [
        ("lorelei", "", {}),
        ("pixel-art", "&flip=horizontal&scale=0.8", {"flip": "horizontal", "scale": 0.8}),
        (
            "avataaars",
            "&eyesVariant=happy,wink&backgroundColor=b6e3f4,c0aede&rotate=10,20",
            {
                "eyesVariant": ["happy", "wink"],
                "backgroundColor": ["b6e3f4", "c0aede"],
                "rotate": [10, 20],
            },
        ),
        ("initials", "&borderRadius=50", {"borderRadius": 50, "fontFamily": FONT_FAMILY}),
    ],
)
async def test_the_drawing_is_the_one_of_dicebear_s_library(
    public: AsyncClient, style: str, query: str, options: dict[str, object]
) -> None:
    answer = await public.get(f"/10.x/{style}/svg?seed=Felix&size=64{query}")
    theirs = {"seed": "Felix", "size": 64, "title": "Emoticon", **options}
    drawn = Avatar(styles.unvalidated(styles.definition(style)), theirs)
    assert answer.text == str(drawn)


async def test_json_has_the_svg_and_the_options_in_it(public: AsyncClient) -> None:
    svg = await public.get("/10.x/avataaars/svg?seed=ann&eyesVariant=happy")
    answer = await public.get("/10.x/avataaars/json?seed=ann&eyesVariant=happy")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"svg": svg.text, "options": {"eyesVariant": "happy"}}
    assert answer.headers["cache-control"] == LASTING
    again = await public.get(
        "/10.x/avataaars/json?seed=ann&eyesVariant=happy",
        headers={"If-None-Match": answer.headers["etag"]},
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("url", "license_url"),
    [
        ("/a/adventurer/ann.png", "https://creativecommons.org/licenses/by/4.0/"),
        ("/10.x/bottts/png", "https://bottts.com/"),
        ("/monster/ann", "https://creativecommons.org/publicdomain/zero/1.0/"),
        (f"/avatar/{MD5}?d=retro", "https://creativecommons.org/publicdomain/zero/1.0/"),
    ],
)
async def test_each_picture_names_its_licence(
    public: AsyncClient, url: str, license_url: str
) -> None:
    assert (await public.get(url)).headers["link"] == f'<{license_url}>; rel="license"'


async def test_only_styles_that_may_be_chosen_are_drawn(tmp_path: Path) -> None:
    async with served(tmp_path, public_generator="on", styles=["moods", "glass"]) as client:
        assert_problem(await client.get("/a/critters/ann.png"), 404, "not_found")
        own = await client.get("/a/moods/ann.png?size=20")
        assert (await client.get("/monster/ann")).content == own.content


async def test_a_picture_in_the_place_of_another_is_not_kept(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9/{seed}"
    async with served(tmp_path, public_generator="on", upstream_url=nobody) as client:
        answer = await client.get("/a/upstream/ann.png")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["link"] == '</credits>; rel="license"'
