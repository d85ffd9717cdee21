"""What ends sessions, also in a race with a refresh: S11, and new passwords, deletion, disabling (S18 to S20)."""

from collections.abc import Callable
from functools import partial

import pytest
from httpx2 import Response
from tests.attacks.conftest import Worlds
from tests.attacks.world import (
    BY_POLL_S,
    PASSWORD,
    Pair,
    World,
    at_once,
    pair_of,
    refused,
    same,
)

OTHER_PASSWORD = "eight red kites at dawn"
ROUNDS = {1: 50, 3: 13}
"""For each way to end a session, by the number of nodes: 200 and 52 together."""


def sign_out(world: World, pair: Pair) -> Response:
    return world.send("POST", "/auth/sign-out", at=pair.at)


def revoke(world: World, pair: Pair) -> Response:
    return world.send("POST", "/auth/revoke", data={"token": pair.rt})


def change_password(world: World, pair: Pair) -> Response:
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    return world.send("PUT", "/auth/password", at=pair.at, json=body)


def leave(world: World, pair: Pair) -> Response:
    return world.send("DELETE", "/auth/user", at=pair.at, json={"password": PASSWORD})


@pytest.mark.parametrize(
    "end", [sign_out, revoke, change_password, leave], ids=lambda end: end.__name__
)
def test_s11_what_a_refresh_mints_in_a_race_with_the_end_is_dead(
    world: World, end: Callable[[World, Pair], Response]
) -> None:
    ended = 0
    for _ in range(ROUNDS[len(world.nodes)]):
        pair = world.sign_up()
        refreshed, over = at_once([partial(world.try_refresh, pair.rt), partial(end, world, pair)])
        assert refreshed.status_code in {200, 401}, refreshed.text
        minted = [pair_of(pair.username, refreshed)] if refreshed.status_code == 200 else []
        if over.status_code == 401:  # the refresh came first and ended the access token
            world.settled(minted[0].at, 200)
            continue
        assert over.status_code in {200, 204}, over.text
        world.dead(pair, *minted)
        if end is change_password:
            world.settled(pair_of(pair.username, over).at, 200)
        ended += 1
    assert ended


def test_s11_what_a_refresh_mints_while_an_operator_disables_the_account_is_dead(
    world: World,
) -> None:
    for _ in range(2):
        pair = world.sign_up()

        def refresh_to_the_end(first: Pair = pair) -> list[Pair]:
            chain = [first]
            while (answer := world.try_refresh(chain[-1].rt)).status_code == 200:
                chain.append(pair_of(first.username, answer))
            refused(answer, 401, "invalid_grant")
            return chain

        def disable(name: str = pair.username) -> list[Pair]:
            world.command("account", "disable", name)
            return []

        both: list[Callable[[], list[Pair]]] = [refresh_to_the_end, disable]
        chain, _ = at_once(both)
        assert len(chain) > 1
        world.dead(*chain[-3:], within_s=BY_POLL_S)


def test_s18_a_new_password_ends_all_sessions_and_opens_one(worlds: Worlds) -> None:
    """Under the one policy that lets an account have several."""
    with worlds.three(EMOTICON_TOKEN_POLICY="many-sessions") as world:
        first = world.sign_up()
        others = [world.sign_in(first.username) for _ in range(3)]
        assert {world.nodes[0].status(pair.at) for pair in (first, *others)} == {200}
        new = pair_of(first.username, change_password(world, first))
        world.dead(first, *others)
        world.settled(new.at, 200)
        world.settled(world.refresh(new).at, 200)
        refused(world.try_sign_in(first.username), 401, "wrong_credentials")
        world.sign_in(first.username, OTHER_PASSWORD)
        assert "password" in "".join(world.events(first.username))


def test_s18_a_wrong_current_password_is_refused_and_changes_nothing(world: World) -> None:
    pair = world.sign_up()
    for wrong in ("seven green boats at noom", "", "x" * 200):
        body = {"current_password": wrong, "new_password": OTHER_PASSWORD}
        answer = world.send("PUT", "/auth/password", at=pair.at, json=body)
        refused(answer, 403, "wrong_password", secret=wrong)
    weak = {"current_password": PASSWORD, "new_password": "password"}
    refused(world.send("PUT", "/auth/password", at=pair.at, json=weak), 422, "weak_password")
    refused(world.send("PUT", "/auth/password", json=weak), 401, "not_authenticated")
    world.settled(pair.at, 200)
    world.sign_in(pair.username)


@pytest.mark.parametrize("nodes", [1, 3])
def test_s18_wrong_current_passwords_count_as_wrong_sign_ins(worlds: Worlds, nodes: int) -> None:
    limited = {"EMOTICON_LIMITS": "on"}
    with worlds.one(**limited) if nodes == 1 else worlds.three(**limited) as world:
        pair = world.sign_up()
        body = {"current_password": "six green boats at noon", "new_password": OTHER_PASSWORD}
        for _ in range(5):
            answer = world.send("PUT", "/auth/password", at=pair.at, json=body)
            refused(answer, 403, "wrong_password")
        refused(world.send("PUT", "/auth/password", at=pair.at, json=body), 429)
        refused(change_password(world, pair), 429, "too_many_attempts")
        refused(leave(world, pair), 429, "too_many_attempts")
        refused(world.try_sign_in(pair.username), 429, "too_many_attempts")
        world.settled(pair.at, 200)


def test_s19_a_deleted_account_is_gone_everywhere_and_its_name_is_held_back(world: World) -> None:
    pair, other = world.sign_up(), world.sign_up()
    wrong = {"password": "six green boats at noon"}
    refused(world.send("DELETE", "/auth/user", at=pair.at, json=wrong), 403, "wrong_password")
    assert {answer.status_code for answer in world.asks(pair.at, pair.username)} == {200}
    assert leave(world, pair).status_code == 204
    world.dead(pair)
    for answer in world.asks(pair.at, pair.username):
        refused(answer, 401)
    refused(leave(world, pair), 401)
    for _ in world.nodes:
        gone = world.try_sign_in(pair.username)
        assert same(gone, world.try_sign_in(other.username, OTHER_PASSWORD))
        refused(gone, 401, "wrong_credentials")
        for name in (pair.username, pair.username.upper()):
            body = {"username": name, "password": PASSWORD}
            refused(world.send("POST", "/auth/sign-up", json=body), 409, "username_taken")


def test_s20_a_disabled_account_is_shut_and_says_no_more_than_a_wrong_password(
    world: World,
) -> None:
    pair, other = world.sign_up(), world.sign_up()
    world.command("account", "disable", pair.username)
    world.dead(pair, within_s=BY_POLL_S)
    for _ in world.nodes:
        shut = world.try_sign_in(pair.username)
        assert same(shut, world.try_sign_in(other.username, OTHER_PASSWORD))
        assert same(shut, world.try_sign_in("nobody-of-this-name"))
        refused(shut, 401, "wrong_credentials")
    world.command("account", "enable", pair.username)
    world.dead(pair)
    world.settled(world.sign_in(pair.username).at, 200)
