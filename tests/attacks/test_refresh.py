"""Refresh tokens: used once, lost, used again, forged (S04 to S08, S12 to S15)."""

import hmac
from functools import partial
from typing import Any

import pytest
from httpx2 import Response
from tests.attacks.conftest import Worlds
from tests.attacks.forging import decode, encode
from tests.attacks.world import SECRET, Pair, World, at_once, pair_of, refused, same

REUSE_AFTER_S = 11
"""More than the grace in which a refresh token answers twice."""


def test_s04_a_refresh_gives_new_tokens_and_ends_the_old_one(world: World) -> None:
    for node in world.nodes:
        pair = world.sign_up()
        answer = world.try_refresh(pair.rt, node)
        later = pair_of(pair.username, answer)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["pragma"] == "no-cache"
        assert later.at != pair.at
        assert later.rt != pair.rt
        assert later.sid == pair.sid
        refused(node.send("GET", "/auth/user", at=pair.at), 401, "session_superseded")
        world.settled(pair.at, 401)
        assert world.everywhere(later.at) == [200] * len(world.nodes)


@pytest.mark.parametrize("policy", ["one-session", "many-sessions"])
def test_s04_without_the_strict_policy_the_old_token_lives_on(worlds: Worlds, policy: str) -> None:
    with worlds.one(EMOTICON_TOKEN_POLICY=policy) as world:
        pair = world.sign_up()
        later = world.refresh(pair)
        other = world.sign_in(pair.username)
        statuses = [world.nodes[0].status(each.at) for each in (pair, later, other)]
        assert statuses == ([200, 200, 200] if policy == "many-sessions" else [401, 401, 200])


def test_s05_twenty_refreshes_at_once_have_one_successor(world: World) -> None:
    pair = world.sign_up()
    for number in range(1, 11):
        answers = at_once([partial(world.try_refresh, pair.rt)] * 20)
        assert [answer.status_code for answer in answers] == [200] * 20
        pairs = [pair_of(pair.username, answer) for answer in answers]
        assert len({each.rt for each in pairs}) == 1
        assert len({each.version for each in pairs}) == 1
        for at in {each.at for each in pairs}:
            assert world.everywhere(at) == [200] * len(world.nodes)
        assert world.session(pair, "refresh_counter") == str(number)
        world.settled(pair.at, 401)
        pair = pairs[0]


def test_s06_a_lost_answer_is_given_again(world: World) -> None:
    pair = world.sign_up()
    lost = world.refresh(pair)
    again = [world.refresh(pair) for _ in range(4)]
    assert {each.rt for each in again} == {lost.rt}
    for each in (lost, *again):
        assert world.everywhere(each.at) == [200] * len(world.nodes)
    assert world.session(pair, "refresh_counter") == "1"
    world.refresh(again[0])


@pytest.mark.parametrize("long_ago", [False, True], ids=["inside-the-grace", "outside"])
def test_s08_a_token_two_generations_old_ends_the_session(world: World, long_ago: bool) -> None:
    stolen = world.sign_up()
    second = world.refresh(stolen)
    newest = world.refresh(second)
    if long_ago:
        age(world, newest, REUSE_AFTER_S)
    assert world.everywhere(newest.at) == [200] * len(world.nodes)
    node = world.nodes[0]
    refused(world.try_refresh(stolen.rt, node), 401, "invalid_grant")
    refused(node.send("GET", "/auth/user", at=newest.at), 401, "session_ended")
    world.dead(newest, second, stolen)
    assert world.session(newest, "end_reason") == "refresh_reuse"
    assert world.events(stolen.username).count("refresh_reuse") == 1


def test_s08_a_used_token_ends_the_session_when_the_grace_is_over(world: World) -> None:
    stolen = world.sign_up()
    newest = world.refresh(stolen)
    age(world, newest, REUSE_AFTER_S)
    refused(world.try_refresh(stolen.rt), 401, "invalid_grant")
    world.dead(newest, stolen)


def age(world: World, pair: Pair, seconds: int) -> None:
    """Let the last refresh have been this long ago."""
    world.change_session(pair, f"rotated_at = rotated_at - {seconds * 1000}")


@pytest.mark.parametrize("nodes", [1, 3])
def test_s12_without_grace_one_of_twenty_wins_and_the_session_ends(
    worlds: Worlds, nodes: int
) -> None:
    strict = {"EMOTICON_REFRESH_GRACE_S": "0"}
    with worlds.one(**strict) if nodes == 1 else worlds.three(**strict) as world:
        for _ in range(5):
            pair = world.sign_up()
            answers = at_once([partial(world.try_refresh, pair.rt)] * 20)
            assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19
            (won,) = (pair_of("", answer) for answer in answers if answer.status_code == 200)
            world.dead(won)
            assert world.session(pair, "refresh_counter") == "1"


def assert_good(world: World, pair: Pair) -> None:
    """Nothing has happened to the session."""
    assert world.session(pair, "refresh_counter") == "0"
    assert world.everywhere(world.refresh(pair).at) == [200] * len(world.nodes)


def test_s13_a_refresh_token_altered_anywhere_is_refused(world: World) -> None:
    pair = world.sign_up()
    answers = []
    for place, letter in enumerate(pair.rt):
        other = "A" if letter != "A" else "B"
        answers.append(world.try_refresh(f"{pair.rt[:place]}{other}{pair.rt[place + 1 :]}"))
    data = decode(pair.rt)
    for place in range(len(data)):
        for bit in (1, 128):
            changed = bytearray(data)
            changed[place] ^= bit
            answers.append(world.try_refresh(encode(bytes(changed))))
    for answer in answers:
        refused(answer, 401, "invalid_grant")
    assert same(*answers)
    assert_good(world, pair)


def test_s13_a_forged_refresh_token_is_refused(world: World) -> None:
    pair, other = world.sign_up(), world.sign_up()
    mine, theirs = decode(pair.rt), decode(other.rt)
    next_counter = mine[:17] + (1).to_bytes(8, "big")
    assert mine[1:17].hex() == pair.sid
    bodies = [theirs[:25], next_counter, mine[:25]]
    macs = [
        mine[25:],
        bytes(32),
        *(hmac.digest(SECRET.encode(), body, "sha256") for body in bodies),
    ]
    forged = [body + mac for body in bodies for mac in macs if body + mac != mine]
    forged += [mine[:-1], mine[:25], mine + b"\0", mine[:25] + mine, b""]
    for data in forged[:-1]:
        refused(world.try_refresh(encode(data)), 401, "invalid_grant")
    spellings = [f"{pair.rt}=", f"{pair.rt}\n", f" {pair.rt}", pair.rt.replace(pair.rt[9], "ä")]
    spellings += ["x" * 10_000, "\0", "a\0b", "пароль", "\U0001f600", pair.rt.lower()]
    for text in spellings:
        refused(world.try_refresh(text), 401, "invalid_grant")
        refused(world.send("POST", "/auth/refresh", json={"refresh_token": text}), 401)
    assert_good(world, pair)
    assert_good(world, other)


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"refresh_token": ""}},
        {"data": {"refresh_token": ["{rt}", "{rt}"]}},
        {"data": {"grant_type": "password", "refresh_token": "{rt}"}},
        {"data": {"token": "{rt}"}},
        {"json": {"refresh_token": ""}},
        {"json": {"refresh_token": ["{rt}"]}},
        {"json": {"refresh_token": {"$ne": None}}},
        {"json": {"refresh_token": 7}},
        {"json": {"refresh_token": None}},
        {"json": {}},
        {"json": []},
        {"json": "{rt}"},
        {"content": '{"refresh_token":"{rt}","refresh_token":"{rt}"}', "kind": "application/json"},
        {"content": '{"refresh_token":"\\ud800"}', "kind": "application/json"},
        {"content": '{"refresh_token":"{rt}"', "kind": "application/json"},
        {"content": "refresh_token={rt}", "kind": "text/plain"},
        {"content": "refresh_token={rt}", "kind": ""},
    ],
    ids=lambda body: str(body)[:60],
)
def test_s13_a_refresh_token_in_another_form_is_refused(world: World, body: dict[str, Any]) -> None:
    pair = world.sign_up()
    options = filled(body, pair.rt)
    if "kind" in options:
        kind = options.pop("kind")
        options["headers"] = {"Content-Type": kind} if kind else {}
    answer = world.send("POST", "/auth/refresh", **options)
    assert answer.status_code in {401, 415, 422}
    refused(answer, answer.status_code, secret=pair.rt)
    assert_good(world, pair)


def filled(value: Any, rt: str) -> Any:
    """Put the token wherever its place is marked."""
    if isinstance(value, dict):
        return {key: filled(each, rt) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, rt) for each in value]
    return value.replace("{rt}", rt) if isinstance(value, str) else value


def test_s14_a_refresh_token_elsewhere_than_in_the_body_is_refused(world: World) -> None:
    pair = world.sign_up()
    query = {"refresh_token": pair.rt, "grant_type": "refresh_token"}
    cookie = {"Cookie": f"__Secure-emoticon-refresh={pair.rt}"}
    foreign = {**cookie, "Origin": "https://evil.example"}
    cross = {**cookie, "Sec-Fetch-Site": "cross-site"}
    answers: list[tuple[Response, int]] = [
        (world.send("POST", "/auth/refresh", params=query), 401),
        (world.send("POST", "/auth/refresh", at=pair.rt), 401),
        (world.send("GET", "/auth/refresh", params=query), 405),
        (world.send("GET", "/auth/refresh", headers=cookie), 405),
        (world.send("PUT", "/auth/refresh", data=query), 405),
        (world.send("POST", "/auth/refresh", headers=cookie), 403),
        (world.send("POST", "/auth/refresh", headers=foreign), 403),
        (world.send("POST", "/auth/refresh", headers=cross), 403),
    ]
    for answer, status in answers:
        refused(answer, status, secret=pair.rt)
    assert_good(world, pair)


@pytest.mark.parametrize(
    "change",
    ["expires_at = created_at + 1", "last_used_at = last_used_at - 14 * 86400000 - 1000"],
    ids=["absolute-life", "idle-time"],
)
def test_s15_a_session_that_is_too_old_ends(world: World, change: str) -> None:
    pair = world.sign_up()
    world.change_session(pair, change)
    refused(world.try_refresh(pair.rt), 401, "invalid_grant")
    assert world.session(pair, "end_reason") == "expired"
    refused(world.try_refresh(pair.rt), 401, "invalid_grant")
    shown = world.send("GET", "/auth/sessions", at=pair.at)
    assert shown.status_code == 401 or not shown.json()["sessions"]


def test_s15_no_access_token_outlives_its_session(worlds: Worlds) -> None:
    with worlds.one(EMOTICON_SESSION_S="60", EMOTICON_ACCESS_TOKEN_S="600") as world:
        answer = world.try_sign_in(world.sign_up().username)
        assert answer.json()["expires_in"] <= 60
        assert answer.json()["refresh_expires_in"] <= 60
