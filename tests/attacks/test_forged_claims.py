"""Access tokens with other claims, signed with the key of the service (T17 to T20)."""

import json
import time
import uuid

import pytest
from tests.attacks.forging import claims_of, forge, header_of, without
from tests.attacks.world import SECRET, Pair, World, refused

LIFE_S = 600


@pytest.fixture
def pair(world: World) -> Pair:
    """Tokens of somebody new."""
    return world.sign_up()


def with_claims(pair: Pair, **raw: str | None) -> str:
    """Sign the claims of a token with some of them spelt as this JSON, or without them."""
    claims = claims_of(pair.at)
    for name, text in raw.items():
        claims = without(claims, name) if text is None else {**claims, name: f"<{name}>"}
    spelt = json.dumps(claims, separators=(",", ":"))
    for name, text in raw.items():
        spelt = spelt.replace(f'"<{name}>"', text or "")
    return forge(header_of(pair.at), spelt.encode(), SECRET)


def assert_refused(world: World, token: str, username: str) -> None:
    for answer in world.asks(token, username):
        refused(answer, 401, "invalid_token", secret=token)


WRONG_TIMES = [
    "0",
    "-1",
    None,
    '"9999999999"',
    "9e99",
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "null",
]
WRONG_TIMES += ["true", "[]", "{}", "1.5", '""', "9" * 30, "9" * 1200, "99999999999999999999999e0"]


@pytest.mark.parametrize("raw", WRONG_TIMES, ids=lambda raw: str(raw)[:30])
def test_t17_an_expiry_of_another_kind_is_refused(
    world: World, pair: Pair, raw: str | None
) -> None:
    assert_refused(world, with_claims(pair, exp=raw), pair.username)


def test_t17_the_expiry_has_no_leeway(world: World, pair: Pair) -> None:
    now = int(time.time())
    for ago in (0, 1, 6, 3600):
        old = with_claims(pair, iat=str(now - 100), nbf=str(now - 100), exp=str(now - ago))
        assert_refused(world, old, pair.username)


def test_t17_a_token_that_was_good_is_refused_when_its_time_is_over(
    world: World, pair: Pair
) -> None:
    """Also where it was checked before and is remembered."""
    expires_at = int(time.time()) + 2
    token = with_claims(pair, exp=str(expires_at))
    assert world.everywhere(token) == [200] * len(world.nodes)
    while time.time() < expires_at:
        statuses = world.everywhere(token)
    assert set(statuses) <= {200, 401}
    assert world.everywhere(token) == [401] * len(world.nodes)


@pytest.mark.parametrize("name", ["nbf", "iat"])
@pytest.mark.parametrize("raw", WRONG_TIMES, ids=lambda raw: str(raw)[:30])
def test_t18_a_beginning_of_another_kind_is_refused(
    world: World, pair: Pair, name: str, raw: str | None
) -> None:
    assert_refused(world, with_claims(pair, **{name: raw}), pair.username)


def test_t18_a_token_of_the_future_or_of_too_long_a_life_is_refused(
    world: World, pair: Pair
) -> None:
    now = int(time.time())
    hour = str(now + 3600)
    tokens = [
        with_claims(pair, nbf=hour),
        with_claims(pair, iat=hour),
        with_claims(pair, nbf=hour, iat=hour, exp=str(now + 3700)),
        with_claims(pair, nbf=str(now + 30), iat=str(now + 30)),
        with_claims(pair, iat=str(now - LIFE_S)),
        with_claims(pair, exp=str(now + LIFE_S + 100)),
        with_claims(pair, exp="9999999999"),
    ]
    for token in tokens:
        assert_refused(world, token, pair.username)


@pytest.mark.parametrize(
    "raw",
    [None, '"other"', '["other","emoticon-api"]', '["emoticon-api"]', '"emoticon-api/"', '""', "1"],
)
def test_t19_another_audience_is_refused(world: World, pair: Pair, raw: str | None) -> None:
    assert claims_of(pair.at)["aud"] == "emoticon-api"
    assert_refused(world, with_claims(pair, aud=raw), pair.username)


@pytest.mark.parametrize(
    "raw", [None, '"other"', '"emoticon/"', '"Emoticon"', '["emoticon"]', '""', "null"]
)
def test_t19_another_issuer_is_refused(world: World, pair: Pair, raw: str | None) -> None:
    assert claims_of(pair.at)["iss"] == "emoticon"
    assert_refused(world, with_claims(pair, iss=raw), pair.username)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "{sub}",
        '""',
        f'"{uuid.UUID(int=7)}"',
        '"9223372036854775807"',
        '"9223372036854775808"',
        '"99999999999999999999"',
        '"0"',
        '"-{sub}"',
        '"+{sub}"',
        '"0{sub}"',
        '" {sub}"',
        '"{sub}\\n"',
        '"{sub}.0"',
        '["{sub}"]',
        '"\\u0661"',
        "null",
    ],
)
def test_t20_another_subject_is_refused(world: World, pair: Pair, raw: str | None) -> None:
    sub = claims_of(pair.at)["sub"]
    spelt = None if raw is None else raw.replace("{sub}", sub)
    assert_refused(world, with_claims(pair, sub=spelt), pair.username)


def test_t20_who_it_is_stands_in_the_subject_and_never_in_the_name(
    world: World, pair: Pair
) -> None:
    other = world.sign_up()
    theirs = claims_of(other.at)["sub"]
    token = with_claims(pair, sub=f'"{theirs}"')
    for answer in world.asks(token, pair.username):
        if answer.url.path == "/auth/user":
            assert answer.json()["username"] == other.username
        else:
            refused(answer, 403)
    renamed = with_claims(pair, user=json.dumps({"id": int(theirs), "username": other.username}))
    for answer in world.asks(renamed, other.username):
        if answer.url.path == "/auth/user":
            assert answer.json()["username"] == pair.username
        else:
            refused(answer, 403)


@pytest.mark.parametrize("name", ["sid", "ver", "user"])
@pytest.mark.parametrize(
    "raw", [None, "null", '""', "[]", "-1", "0", '"1"', "1.0", "true", "9" * 25]
)
def test_t20_other_claims_of_another_kind_are_refused(
    world: World, pair: Pair, name: str, raw: str | None
) -> None:
    assert_refused(world, with_claims(pair, **{name: raw}), pair.username)


def test_t20_a_version_that_was_never_issued_is_refused(world: World, pair: Pair) -> None:
    for version in (pair.version + 1, 2**31, 2**63 - 1):
        assert_refused(world, with_claims(pair, ver=str(version)), pair.username)
