"""Sessions while something else is down: Valkey, PostgreSQL, a node (S13, S24 to S27)."""

import os
import signal
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from httpx2 import Response
from tests.attacks.conftest import Worlds
from tests.attacks.serving import LoggingService
from tests.attacks.world import BY_POLL_S, PASSWORD, Node, Pair, World, new_name, refused, until

STALE_S = 5
"""How long a node trusts what it knew when the database was last read."""
ANSWER_S = 1.0
BACK_S = 15.0


def timed(ask: Callable[[], None]) -> float:
    began = time.monotonic()
    ask()
    return time.monotonic() - began


def stop(world: World) -> None:
    world.valkey.stop()


def pause(world: World) -> None:
    world.valkey.pause()


def assert_all_is_well(world: World, *dead: Pair, within_s: float) -> None:
    """Sign in and refresh on each node: the others hear of it, and who was dead stays so."""
    name = world.sign_up().username
    for node in world.nodes:
        pair = world.sign_in(name, node=node)
        assert node.status(pair.at) == 200
        later = world.refresh(pair, node=node)
        assert node.status(pair.at) == 401
        world.settled(pair.at, 401, within_s=within_s)
        world.settled(later.at, 200, within_s=within_s)
        for each in dead:
            assert set(world.everywhere(each.at)) == {401}


@pytest.mark.parametrize("how", [stop, pause], ids=["stopped", "paused"])
def test_s24_without_valkey_nothing_dead_comes_back_and_all_else_works(
    worlds: Worlds, how: Callable[[World], None]
) -> None:
    with worlds.three() as world:
        superseded = world.sign_up()
        good = world.sign_in(superseded.username)
        world.settled(superseded.at, 401)
        how(world)
        for _ in range(20):
            assert world.everywhere(superseded.at) == [401] * 3
            assert world.everywhere(good.at) == [200] * 3
        assert timed(lambda: assert_answers(world, good)) < 6 * ANSWER_S
        assert_all_is_well(world, superseded, within_s=BY_POLL_S)
        signed_out = world.sign_up()
        world.sign_out(signed_out)
        world.dead(signed_out, within_s=BY_POLL_S)
        world.settled(good.at, 401, within_s=BY_POLL_S)
        world.valkey.start()
        world.valkey.resume()
        assert_all_is_well(world, superseded, signed_out, good, within_s=BY_POLL_S)


def assert_answers(world: World, pair: Pair) -> None:
    """Each node signs in and refreshes, and each answer comes soon."""
    for node in world.nodes:
        pair = world.refresh(world.sign_in(pair.username, node=node), node=node)


def test_s24_news_are_fast_again_when_valkey_is_back(worlds: Worlds) -> None:
    with worlds.three() as world:
        world.valkey.stop()
        pair = world.sign_up()
        world.sign_out(pair)
        world.dead(pair, within_s=BY_POLL_S)
        world.valkey.start()
        until(lambda: heard_at_once(world), True, within_s=BACK_S)


def heard_at_once(world: World) -> bool:
    """Say whether all nodes know of an end sooner than a poll could tell them, three times in a row."""
    for _ in range(3):
        pair = world.sign_up()
        world.sign_out(pair)
        until_s = time.monotonic() + 0.1
        while set(world.everywhere(pair.at)) != {401}:
            if time.monotonic() > until_s:
                return False
    return True


@pytest.mark.parametrize("how", ["restarted", "flushed"])
def test_s25_an_emptied_valkey_revives_no_token(worlds: Worlds, how: str) -> None:
    with worlds.three() as world:
        superseded = world.sign_up()
        good = world.sign_in(superseded.username)
        signed_out = world.sign_up()
        world.sign_out(signed_out)
        world.dead(signed_out)
        if how == "restarted":
            world.valkey.stop()
            world.valkey.start()
        else:
            world.valkey.flush()
        for _ in range(20):
            assert world.everywhere(superseded.at) == [401] * 3
            assert world.everywhere(signed_out.at) == [401] * 3
            assert world.everywhere(good.at) == [200] * 3
        assert_all_is_well(world, superseded, signed_out, within_s=BY_POLL_S)
        with world.another() as fresh:
            assert [fresh.status(pair.at) for pair in (superseded, signed_out)] == [401, 401]
            assert fresh.status(good.at) == 200


@contextmanager
def without_postgres(world: World) -> Generator[None]:
    world.postgres.stop()
    try:
        yield
    finally:
        world.postgres.start()


def test_s26_without_postgresql_known_tokens_are_good_for_five_seconds(worlds: Worlds) -> None:
    with worlds.three_with_own_postgres() as world:
        superseded = world.sign_up()
        good = world.sign_in(superseded.username)
        name = new_name()
        world.settled(superseded.at, 401)
        assert {answer.status_code for answer in world.asks(good.at, good.username)} == {200}
        stopping_at = time.monotonic()
        with without_postgres(world):
            stopped_at = time.monotonic()
            statuses = {answer.status_code for answer in world.asks(good.at, good.username)}
            assert statuses == {200}, "a good token and a picture that is kept"
            assert time.monotonic() - stopping_at < STALE_S, "this machine is too slow to tell"
            for node in world.nodes:
                assert_says_later(world, node, good, name)
            while time.monotonic() < stopped_at + STALE_S + 1:
                assert set(world.everywhere(superseded.at)) <= {401, 503}
                assert set(world.everywhere(good.at)) <= {200, 503}
            for answer in world.asks(good.at, good.username):
                refused(answer, 503)
            assert set(world.everywhere(superseded.at)) <= {401, 503}
            for node in world.nodes:
                assert node.send("GET", "/readyz").status_code == 503
                assert node.send("GET", "/livez").status_code == 200
        world.settled(good.at, 200, within_s=BACK_S)
        world.settled(superseded.at, 401)
        assert world.sql("SELECT count(*) FROM accounts") == ["1"], "nothing is half done"
        assert world.session(good, "refresh_counter") == "0"
        world.sign_up(name)
        later = world.refresh(good)
        assert_all_is_well(world, superseded, good, within_s=BY_POLL_S)
        world.settled(later.at, 200)


def assert_says_later(world: World, node: Node, good: Pair, name: str) -> None:
    """What needs the database says so within a second, and does nothing."""
    body = {"username": name, "password": PASSWORD}
    asks: list[Callable[[], Response]] = [
        lambda: world.try_sign_in(good.username, node=node),
        lambda: world.try_sign_in("nobody-of-this-name", node=node),
        lambda: node.send("POST", "/auth/sign-up", json=body),
        lambda: world.try_refresh(good.rt, node),
    ]
    for ask in asks:
        began = time.monotonic()
        answer = ask()
        assert time.monotonic() - began < ANSWER_S
        refused(answer, 503, "store_unavailable")
        assert int(answer.headers["retry-after"]) >= 1


def test_s13_a_refresh_token_with_a_wrong_mac_asks_the_database_nothing(worlds: Worlds) -> None:
    with worlds.three_with_own_postgres() as world:
        pair = world.sign_up()
        with without_postgres(world):
            for place in (0, 30, 40, 75):
                other = "A" if pair.rt[place] != "A" else "B"
                wrong = f"{pair.rt[:place]}{other}{pair.rt[place + 1 :]}"
                for node in world.nodes:
                    refused(world.try_refresh(wrong, node), 401, "invalid_grant")
            refused(world.try_refresh(pair.rt), 503, "store_unavailable")
        until(lambda: world.try_refresh(pair.rt).status_code, 200, within_s=BACK_S)


@contextmanager
def asleep(node: Node) -> Generator[None]:
    os.kill(node.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(node.pid, signal.SIGCONT)


@pytest.mark.parametrize("valkey", ["with-valkey", "without-valkey"])
def test_s27_a_node_that_slept_never_takes_what_was_revoked_meanwhile(
    worlds: Worlds, valkey: str
) -> None:
    with worlds.three() as world:
        if valkey == "without-valkey":
            world.valkey.stop()
        sleeper, *awake = world.nodes
        superseded, signed_out, refreshed = (world.sign_up() for _ in range(3))
        good = world.sign_up()
        pairs = [superseded, signed_out, refreshed]
        for pair in (*pairs, good):
            assert sleeper.status(pair.at) == 200
        with asleep(sleeper):
            slept_at = time.monotonic()
            world.sign_in(superseded.username, node=awake[0])
            world.sign_out(signed_out, node=awake[1])
            world.refresh(refreshed, node=awake[0])
            while time.monotonic() < slept_at + STALE_S + 1.5:
                assert {node.status(good.at) for node in awake} == {200}
        deadline = time.monotonic() + BY_POLL_S
        while time.monotonic() < deadline:
            statuses = [sleeper.status(pair.at) for pair in pairs]
            assert set(statuses) <= {401, 503}, statuses
            assert sleeper.status(good.at) in {200, 503}
        assert [sleeper.status(pair.at) for pair in pairs] == [401] * 3
        assert sleeper.status(good.at) == 200


@pytest.mark.parametrize("valkey", ["with-valkey", "without-valkey"])
def test_s27_a_fresh_node_refuses_what_is_dead_from_its_first_answer_on(
    worlds: Worlds, valkey: str
) -> None:
    with worlds.three() as world:
        if valkey == "without-valkey":
            world.valkey.stop()
        superseded, signed_out, refreshed = (world.sign_up() for _ in range(3))
        good = world.sign_in(superseded.username)
        world.sign_out(signed_out)
        later = world.refresh(refreshed)
        with world.another() as fresh:
            for pair in (superseded, signed_out, refreshed):
                refused(fresh.send("GET", "/auth/user", at=pair.at), 401)
            for pair in (superseded, signed_out):
                refused(world.try_refresh(pair.rt, fresh), 401, "invalid_grant")
            assert [fresh.status(pair.at) for pair in (good, later)] == [200, 200]
            assert fresh.send("GET", "/readyz").status_code == 200


def test_s27_nodes_that_start_while_tokens_die_take_none_of_them(worlds: Worlds) -> None:
    with worlds.three() as world, ThreadPoolExecutor(1) as thread:
        name = world.sign_up().username
        for number in range(3):
            home = world.directory / f"late-{number}"
            starting = thread.submit(LoggingService, home, world.environment)
            pairs = [world.sign_in(name)]
            while not starting.done():
                pairs.append(world.sign_in(name))
            with Node(starting.result()) as fresh:
                old = [fresh.status(pair.at) for pair in pairs[:-1]]
                assert set(old) <= {401}
                assert fresh.status(pairs[-1].at) == 200


def test_s27_a_node_is_not_ready_while_it_cannot_read_what_is_dead(worlds: Worlds) -> None:
    """It takes no connections before that, so there is nothing that it could answer wrongly."""
    with worlds.three_with_own_postgres() as world, ThreadPoolExecutor(1) as thread:
        superseded = world.sign_up()
        world.sign_in(superseded.username)
        with without_postgres(world):
            starting = thread.submit(LoggingService, world.directory / "late", world.environment)
            until_s = time.monotonic() + 3
            while time.monotonic() < until_s:
                assert not starting.done()
        with Node(starting.result(60)) as fresh:
            assert fresh.status(superseded.at) == 401
