"""Sessions: the one that is valid, signing out, and whose they are (S01 to S03, S16, S17, S22, S23).

Left out: S21, for tokens cannot be introspected.
"""

import uuid
from functools import partial

import pytest
from tests.attacks import wire
from tests.attacks.world import NEWS_S, World, at_once, pair_of, refused, same, status_of, until


def test_s01_a_second_sign_in_ends_the_first_token_on_every_node(world: World) -> None:
    for node in world.nodes:
        first = world.sign_up()
        assert world.everywhere(first.at) == [200] * len(world.nodes)
        second = world.sign_in(first.username, node=node)
        refused(node.send("GET", "/auth/user", at=first.at), 401, "session_superseded")
        world.settled(first.at, 401)
        for answer in world.asks(first.at, first.username):
            refused(answer, 401, "session_superseded")
        assert {answer.status_code for answer in world.asks(second.at, first.username)} == {200}


def test_s02_the_refresh_token_of_a_superseded_session_ends_nothing_more(world: World) -> None:
    first = world.sign_up()
    second = world.sign_in(first.username)
    for _ in world.nodes:
        refused(world.try_refresh(first.rt), 401, "invalid_grant", secret=first.rt)
    assert world.everywhere(second.at) == [200] * len(world.nodes)
    assert world.everywhere(world.refresh(second).at) == [200] * len(world.nodes)
    assert "refresh_reuse" not in world.events(first.username)


def test_s03_of_twenty_sign_ins_at_once_one_is_valid(world: World) -> None:
    username = world.sign_up().username
    answers = at_once([partial(world.try_sign_in, username)] * 20)
    assert [answer.status_code for answer in answers] == [200] * 20
    pairs = [pair_of(username, answer) for answer in answers]
    newest = max(pairs, key=lambda pair: pair.version)
    for pair in pairs:
        world.settled(pair.at, 200 if pair is newest else 401)
    statuses = {pair.rt: world.try_refresh(pair.rt).status_code for pair in pairs}
    assert [rt for rt, status in statuses.items() if status == 200] == [newest.rt]
    assert sorted(statuses.values()) == [200] + [401] * 19


def test_s16_after_signing_out_neither_token_is_good_anywhere(world: World) -> None:
    for node in world.nodes:
        pair = world.sign_up()
        world.sign_out(pair, node)
        refused(node.send("GET", "/auth/user", at=pair.at), 401, "session_ended")
        world.settled(pair.at, 401)
        for _ in world.nodes:
            refused(world.try_refresh(pair.rt), 401, "invalid_grant")
            refused(world.send("POST", "/auth/sign-out", at=pair.at), 401)


@pytest.mark.parametrize("kind", ["at", "rt"])
def test_s16_a_revoked_token_takes_the_other_with_it(world: World, kind: str) -> None:
    for node in world.nodes:
        pair = world.sign_up()
        form = {"token": getattr(pair, kind)}
        assert node.send("POST", "/auth/revoke", data=form).status_code == 200
        refused(node.send("GET", "/auth/user", at=pair.at), 401)
        world.settled(pair.at, 401)
        refused(world.try_refresh(pair.rt), 401, "invalid_grant")


def test_s16_revoking_says_nothing_of_the_token(world: World) -> None:
    mine, theirs, dead = world.sign_up(), world.sign_up(), world.sign_up()
    world.sign_out(dead)
    world.settled(dead.at, 401)
    used, later = theirs, world.refresh(theirs)
    world.settled(used.at, 401)
    tokens = [mine.rt, mine.rt, mine.at, dead.rt, dead.at, used.at, "garbage", "x" * 10_000]
    tokens += [f"{mine.rt[:-1]}~", "ä\0", " ", later.rt, later.at]
    hints = ["access_token", "refresh_token", "something", ""]
    answers = [
        world.send(
            "POST",
            "/auth/revoke",
            data={"token": token, "token_type_hint": hint},
            headers={"Authorization": f"Bearer {mine.at}"},
        )
        for token in tokens
        for hint in hints
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert same(*answers)
    assert not answers[0].content


@pytest.mark.parametrize("path", ["/auth/sign-out", "/auth/sign-out/", "/auth/revoke"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_s17_a_link_signs_nobody_out(world: World, path: str, method: str) -> None:
    pair = world.sign_up()
    for headers in ({}, {"Purpose": "prefetch"}, {"Sec-Fetch-Dest": "image"}):
        answer = world.send(method, path, at=pair.at, headers=headers, params={"token": pair.rt})
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"
    assert world.everywhere(pair.at) == [200] * len(world.nodes)
    assert world.send("GET", "/auth/logout", at=pair.at).status_code == 404


def test_s22_sessions_of_others_are_not_there(world: World) -> None:
    ann, bob = world.sign_up(), world.sign_up()
    shown = world.send("GET", "/auth/sessions", at=ann.at).json()["sessions"]
    assert [session["id"] for session in shown] == [ann.sid]
    for _ in world.nodes:
        theirs = world.send("DELETE", f"/auth/sessions/{bob.sid}", at=ann.at)
        nobodys = world.send("DELETE", f"/auth/sessions/{uuid.uuid4().hex}", at=ann.at)
        refused(theirs, 404, "unknown_session")
        assert same(theirs, nobodys)
    assert world.everywhere(bob.at) == [200] * len(world.nodes)
    assert world.everywhere(world.refresh(bob).at) == [200] * len(world.nodes)


def test_s22_an_own_session_can_be_ended(world: World) -> None:
    pair = world.sign_up()
    assert world.send("DELETE", f"/auth/sessions/{pair.sid}", at=pair.at).status_code == 204
    world.settled(pair.at, 401)
    refused(world.try_refresh(pair.rt), 401, "invalid_grant")


def test_s23_an_id_of_another_form_is_not_there(world: World) -> None:
    pair = world.sign_up()
    number = int(pair.sid, 16)
    ids = [
        f"{number + 1:032x}",
        f"{number - 1:032x}",
        "1",
        "0" * 32,
        str(uuid.UUID(pair.sid)),
        str(uuid.uuid1()),
        pair.sid.upper() + "A",
        f"A{pair.sid.upper()[1:]}",
        f"{pair.sid}%00",
        f"{pair.sid}%0A",
        f"%20{pair.sid}",
        f"..%2f{pair.sid}",
        f"..%2f..%2fsessions%2f{pair.sid}",
        "%2e%2e",
        "%ff",
        "٣" * 32,
        pair.sid[:-1],
        f"{pair.sid}0",
        "a" * 7000,
        "*",
    ]
    for each in ids:
        refused(world.send("DELETE", f"/auth/sessions/{each}", at=pair.at), 404)
    assert world.everywhere(pair.at) == [200] * len(world.nodes)


def test_s23_a_path_that_is_no_id_and_a_huge_one_are_refused(world: World) -> None:
    pair = world.sign_up()
    headers = {"Host": "x", "Connection": "close", "Authorization": f"Bearer {pair.at}"}
    targets = {
        f"/auth/sessions/../{pair.sid}": 404,
        f"/auth/sessions/./{pair.sid}": 404,
        f"/auth/sessions//{pair.sid}": 404,
        f"/auth/sessions/{'a' * 9000}": 414,
        f"/auth/sessions/{'a' * 2**20}": 400,
    }
    for node in world.nodes:
        for target, status in targets.items():
            answer = status_of(node, wire.head("DELETE", target, headers))
            assert answer == status, target[:80]
    until(lambda: world.everywhere(pair.at), [200] * len(world.nodes), within_s=NEWS_S)
