"""Many passwords, many names, many at once: what limits hold, and who is not hurt by them.

Addresses are played by X-Forwarded-For, which the nodes believe of this machine.
"""

from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import Any

import psutil
import pytest
from httpx2 import Response
from tests.attacks.conftest import Worlds
from tests.attacks.world import PASSWORD, Node, World, at_once, new_name, refused, same, until

WRONG = "nine brown boats at midnight"
LIMITED: dict[str, Any] = {"EMOTICON_LIMITS": "on", "EMOTICON_TRUSTED_PROXIES": "127.0.0.0/8"}
HASH_BYTES = 19 * 2**20


@pytest.fixture(params=["one-node-on-sqlite", "three-nodes-on-postgresql-and-valkey"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@contextmanager
def limited(worlds: Worlds, kind: str, settings: Mapping[str, Any]) -> Generator[World]:
    opens = worlds.one if kind.startswith("one") else worlds.three
    with opens(**LIMITED, **settings) as world:
        yield world


def guess(
    world: World,
    name: str,
    password: str = WRONG,
    address: str = "192.0.2.1",
    node: Node | None = None,
) -> Response:
    """Try a password from an address."""
    form = {"username": name, "password": password}
    via = {"X-Forwarded-For": address}
    return world.send("POST", "/auth/sign-in", data=form, headers=via, node=node)


def statuses(answers: list[Response]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_b01_after_some_wrong_passwords_none_is_tried_for_a_while(
    worlds: Worlds, kind: str
) -> None:
    with limited(worlds, kind, {"EMOTICON_ATTEMPTS_WINDOW_S": "5"}) as world:
        name = world.sign_up().username
        assert statuses([guess(world, name) for _ in range(5)]) == [401] * 5
        answers = [guess(world, name, password) for password in (WRONG, PASSWORD, "", WRONG)]
        for answer in answers:
            refused(answer, 429, "too_many_attempts")
            assert 1 <= int(answer.headers["retry-after"]) <= 5
            assert answer.content == answers[0].content  # right or wrong
        until(lambda: guess(world, name, PASSWORD).status_code, 200, within_s=20)
        assert statuses([guess(world, name) for _ in range(6)]) == [401] * 5 + [429]


def test_b01_a_right_password_begins_the_count_anew(worlds: Worlds) -> None:
    with worlds.one(**LIMITED) as world:
        name = world.sign_up().username
        for _ in range(5):
            assert statuses([guess(world, name) for _ in range(4)]) == [401] * 4
            assert guess(world, name, PASSWORD).status_code == 200


def test_b01_a_token_is_no_way_round_the_limit(worlds: Worlds, kind: str) -> None:
    with limited(worlds, kind, {}) as world:
        pair, via = world.sign_up(), {"X-Forwarded-For": "192.0.2.1"}
        change = {"current_password": WRONG, "new_password": "ten red boats at dawn"}
        for _ in range(2):
            answer = world.send("PUT", "/auth/password", at=pair.at, json=change, headers=via)
            refused(answer, 403, "wrong_password")
            leaving = {"password": WRONG}
            answer = world.send("DELETE", "/auth/user", at=pair.at, json=leaving, headers=via)
            refused(answer, 403, "wrong_password")
        assert guess(world, pair.username.upper()).status_code == 401  # the same name
        right = {**change, "current_password": PASSWORD}
        for answer in (
            world.send("PUT", "/auth/password", at=pair.at, json=right, headers=via),
            world.send(
                "DELETE", "/auth/user", at=pair.at, json={"password": PASSWORD}, headers=via
            ),
            guess(world, pair.username, PASSWORD),
        ):
            refused(answer, 429, "too_many_attempts")
        assert world.everywhere(pair.at) == [200] * len(world.nodes)


def test_b02_nobody_is_kept_out_by_guesses_from_elsewhere(worlds: Worlds, kind: str) -> None:
    with limited(worlds, kind, {"EMOTICON_PASSWORD_ATTEMPTS": "2"}) as world:
        name = world.sign_up().username
        for number in range(20):
            address = f"203.0.113.{number}"
            tries = statuses([guess(world, name, address=address) for _ in range(3)])
            assert tries == [401, 401, 429]
        assert guess(world, name, PASSWORD).status_code == 200


def test_b03_one_password_for_many_names_is_limited_by_address(worlds: Worlds, kind: str) -> None:
    with limited(worlds, kind, {"EMOTICON_ADDRESS_ATTEMPTS": "10"}) as world:
        name = world.sign_up().username
        tries = [guess(world, new_name()) for _ in range(30)]
        assert statuses(tries) == [401] * 10 + [429] * 20
        refused(tries[-1], 429, "too_many_attempts")
        refused(guess(world, name, PASSWORD), 429, "too_many_attempts")
        assert guess(world, name, PASSWORD, "192.0.2.2").status_code == 200


def test_b03_all_addresses_of_a_64_are_one(worlds: Worlds, kind: str) -> None:
    with limited(worlds, kind, {"EMOTICON_ADDRESS_ATTEMPTS": "10"}) as world:
        tries = [
            guess(world, new_name(), address=f"2001:db8:1:1:{number:x}::{number:x}")
            for number in range(30)
        ]
        assert statuses(tries) == [401] * 10 + [429] * 20
        spellings = ["2001:DB8:1:1::5", "[2001:db8:1:1::5]:443", "2001:db8:1:1::5%eth0"]
        for address in spellings:
            refused(guess(world, new_name(), address=address), 429, "too_many_attempts")
        assert guess(world, new_name(), address="2001:db8:1:2::1").status_code == 401


def test_b03_an_address_that_the_client_made_up_does_not_count(worlds: Worlds) -> None:
    with worlds.one(**LIMITED, EMOTICON_ADDRESS_ATTEMPTS="10") as world:
        tries = [
            guess(world, new_name(), address=f"203.0.113.{number}, 192.0.2.1")
            for number in range(12)
        ]
        assert statuses(tries) == [401] * 10 + [429] * 2
        for address in ("nonsense", "203.0.113.77, x", "127.0.0.1, 127.0.0.2", ""):
            # The proxy's own address, then: each of these counts against that.
            assert guess(world, new_name(), address=address).status_code == 401
    with worlds.one(EMOTICON_LIMITS="on", EMOTICON_ADDRESS_ATTEMPTS="10") as world:
        tries = [guess(world, new_name(), address=f"203.0.113.{number}") for number in range(12)]
        assert statuses(tries) == [401] * 10 + [429] * 2  # nobody is trusted: all are this machine


def test_b05_of_a_hundred_wrong_passwords_at_once_five_are_tried(worlds: Worlds, kind: str) -> None:
    """Where Valkey does not answer in time, as on a machine that is busy, five for each process."""
    found, rounds = [], 3
    with limited(worlds, kind, {}) as world:
        for _ in range(rounds):
            name = world.sign_up().username
            found += statuses(at_once([partial(guess, world, name) for _ in range(100)]))
        tried = world.sql("SELECT count(*) FROM audit WHERE event = 'sign_in_failed'")
    alone = any("Valkey counts no attempts" in node.service.errors for node in world.nodes)
    assert set(found) == {401, 429}
    assert tried == [str(found.count(401))]
    assert found.count(401) <= 5 * rounds * (len(world.nodes) if alone else 1)


def test_b06_a_flood_of_sign_ins_is_answered_or_refused_and_others_are_served(
    worlds: Worlds,
) -> None:
    with worlds.one(EMOTICON_HASH_QUEUE="20") as world:
        pair, node = world.sign_up(), world.nodes[0]
        picture = partial(
            node.send, "GET", "/emoticon/", at=pair.at, params={"username": pair.username}
        )
        wanted = picture().content
        process, over, others, sizes = psutil.Process(node.pid), Event(), [], []
        before_bytes = process.memory_info().rss

        def watch() -> None:
            while not over.is_set():
                others.extend([picture(), node.send("GET", "/livez")])
                sizes.append(process.memory_info().rss)

        with ThreadPoolExecutor(1) as threads:
            watching = threads.submit(watch)
            flood = at_once([partial(world.try_sign_in, new_name(), WRONG) for _ in range(200)])
            over.set()
            watching.result()
        assert set(statuses(flood)) == {401, 503}
        for answer in flood:
            if answer.status_code == 503:
                refused(answer, 503, "hashing_busy")
        assert len(others) >= 4
        assert set(statuses(others)) == {200}
        assert all(answer.content == wanted for answer in others[::2])
        threads_count = psutil.cpu_count() or 1
        assert max(sizes) - before_bytes < threads_count * HASH_BYTES + 32 * 2**20
        assert world.try_sign_in(pair.username).status_code == 200  # the queue is empty again


def test_b07_without_valkey_each_process_limits_by_itself(worlds: Worlds) -> None:
    with worlds.three(**LIMITED) as world:
        name = world.sign_up().username
        assert statuses([guess(world, name) for _ in range(2)]) == [401] * 2
        for away in (world.valkey.stop, world.valkey.start, world.valkey.flush):
            away()
            answers = [guess(world, name, node=node) for node in world.nodes for _ in range(20)]
            assert set(statuses(answers)) <= {401, 429}
            for node in world.nodes:
                refused(guess(world, name, PASSWORD, node=node), 429, "too_many_attempts")
        tried = world.sql("SELECT count(*) FROM audit WHERE event = 'sign_in_failed'")
        assert int(tried[0]) <= 5 * len(world.nodes)
        assert guess(world, name, PASSWORD, "192.0.2.2").status_code == 200


def test_b07_with_valkey_that_hangs_too(worlds: Worlds) -> None:
    with worlds.three(**LIMITED) as world:
        name = world.sign_up().username
        world.valkey.pause()
        try:
            answers = [guess(world, name, node=node) for node in world.nodes for _ in range(10)]
        finally:
            world.valkey.resume()
        assert statuses(answers) == ([401] * 5 + [429] * 5) * len(world.nodes)


def test_b09_a_limit_is_for_one_name_from_one_address(worlds: Worlds, kind: str) -> None:
    with limited(worlds, kind, {"EMOTICON_PASSWORD_ATTEMPTS": "3"}) as world:
        name = "b"
        world.sign_up(name)
        assert statuses([guess(world, name, address="192.0.2.1") for _ in range(4)])[-1] == 429
        others = [
            *("a", "bb", "b:", ":b", "b:192.0.2.1", "b|192.0.2.1", "b,192.0.2.1", "192.0.2.1", "*"),
            *("b\0", "b/5", "emoticon:limit", "password", "b'", "('b'", "", "b%", "b-", "\ufffd"),
        ]
        for other in others:
            assert guess(world, other, address="192.0.2.1").status_code == 401, other
        for address in ("192.0.2.11", "192.0.2.2", "192.0.2.1:5, 192.0.2.3", "2001:db8::1"):
            assert guess(world, name, address=address).status_code == 401, address
        refused(guess(world, "\uff22", PASSWORD), 429)  # the same name, and only that
        assert same(guess(world, "a", address="192.0.2.9"), guess(world, "c", address="192.0.2.9"))
