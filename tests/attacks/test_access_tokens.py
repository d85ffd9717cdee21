"""How an access token is sent, and what else is not taken for one (T01 to T06, T10, T22, T23, T27, T31, T32).

Left out: T24, for there are neither signed URLs nor tokens against CSRF.
"""

import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.attacks import wire
from tests.attacks.conftest import Worlds
from tests.attacks.forging import encode, forge
from tests.attacks.world import (
    BY_POLL_S,
    PASSWORD,
    SECRET,
    Node,
    World,
    one_node,
    refused,
    status_of,
)

PATHS = ("/auth/user", "/emoticon/?username=alice")


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_t01_without_a_token_the_challenge_names_no_error(world: World, path: str) -> None:
    answer = world.send("GET", path)
    refused(answer, 401, "not_authenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["detail"] == "Not authenticated"


@pytest.mark.parametrize(
    "value", ["Bearer", "bearer x y", "Basic YTpi", "Token x", "Bearer\tX", "Bearerx", "", ","]
)
def test_t02_an_authorization_of_another_form_is_refused(
    world: World, path: str, value: str
) -> None:
    refused(world.send("GET", path, headers={"Authorization": value}), 401)


@pytest.mark.parametrize("value", ["Bearer  ", "  ", "Bearer \t", "\tBearer x", "Bearer\xa0x"])
def test_t02_blanks_that_no_client_sends_are_refused(world: World, path: str, value: str) -> None:
    headers = {"Host": "127.0.0.1", "Connection": "close", "Authorization": value}
    for node in world.nodes:
        assert wire.statuses(wire.exchange(node, wire.head("GET", path, headers))) == [401]


@pytest.mark.parametrize(
    "form", ["Bearer {0} {0}", "Bearer\t{0}", "Bearer  {0}", "Token {0}", "Bearer{0}", "{0}"]
)
def test_t02_a_good_token_in_another_form_is_refused(world: World, form: str) -> None:
    value = form.format(world.sign_up().at)
    refused(world.send("GET", "/auth/user", headers={"Authorization": value}), 401)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_t03_the_scheme_is_read_without_case(world: World, scheme: str) -> None:
    value = f"{scheme} {world.sign_up().at}"
    assert world.send("GET", "/auth/user", headers={"Authorization": value}).status_code == 200


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0)])
def test_t04_two_authorizations_are_refused(world: World, order: tuple[int, int]) -> None:
    pair = world.sign_up()
    values = [f"Bearer {pair.at}", "Bearer not.a.token"]
    headers = [("Authorization", values[number]) for number in order]
    for wanted in ("/auth/user", f"/emoticon/?username={pair.username}"):
        refused(world.nodes[0].client.get(wanted, headers=headers), 401)


def test_t05_a_token_in_the_query_is_refused_and_not_logged(tmp_path: Path) -> None:
    verbose = {"EMOTICON_LOG_LEVEL": "debug", "EMOTICON_SLOW_REQUEST_MS": "1"}
    with one_node(tmp_path, verbose) as world:
        pair = world.sign_up()
        for wanted in ("/auth/user", "/emoticon/"):
            query = {"username": pair.username, "access_token": pair.at}
            refused(world.send("GET", wanted, params=query), 401, secret=pair.at)
        assert world.everywhere(pair.at) == [200]
        later = world.refresh(pair)
    written = world.nodes[0].service.errors
    assert '"path":"/emoticon/"' in written.replace('": "', '":"'), "requests are logged"
    secrets = [PASSWORD, pair.rt, later.rt, *pair.at.split(".")[1:], *later.at.split(".")[1:]]
    assert not [secret for secret in secrets if secret in written]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("kind", ["data", "json"])
def test_t06_a_token_in_the_body_is_refused(world: World, method: str, kind: str) -> None:
    pair = world.sign_up()
    wanted = {"GET": "/auth/user", "POST": "/auth/sign-out", "PUT": "/auth/password"}.get(
        method, "/auth/user"
    )
    body: dict[str, Any] = {kind: {"access_token": pair.at, "password": PASSWORD}}
    refused(world.send(method, wanted, **body), 401, secret=pair.at)
    world.settled(pair.at, 200)


def test_t10_a_token_of_other_segments_is_refused(world: World) -> None:
    pair = world.sign_up()
    header, payload, signature = pair.at.split(".")
    tokens = [
        f"{header}.{payload}",
        f"{header}.{payload}.",
        f".{payload}.{signature}",
        f"{header}..{signature}",
        f"{pair.at}.{signature}",
        f"{header}.{payload}.{signature}.{header}.{payload}",
        f".{pair.at}",
        f"{pair.at}.",
        f"{pair.at}=",
        f"{header}=.{payload}.{signature}",
        f'{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}',
        pair.at.replace(".", ","),
        "..",
    ]
    for token in tokens:
        for answer in world.asks(token, pair.username):
            refused(answer, 401, secret=token)
    world.settled(pair.at, 200)


def test_t10_another_spelling_of_the_same_signature_is_refused(world: World) -> None:
    pair = world.sign_up()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare_bits = letters[letters.index(pair.at[-1]) | 1]
    assert spare_bits != pair.at[-1], "32 bytes leave two bits unused"
    for token in (pair.at[:-1] + spare_bits, f"{pair.at[:-1]}+", f"{pair.at[:-1]}/"):
        refused(world.send("GET", "/auth/user", at=token), 401)


def test_t22_a_refresh_token_is_no_access_token(world: World) -> None:
    pair = world.sign_up()
    for answer in world.asks(pair.rt, pair.username):
        refused(answer, 401, "invalid_token", secret=pair.rt)


def test_t23_an_access_token_is_no_refresh_token(world: World) -> None:
    pair = world.sign_up()
    refused(world.try_refresh(pair.at), 401, "invalid_grant", secret=pair.at)
    world.settled(pair.at, 200)


@pytest.mark.parametrize(
    ("size", "statuses"), [(8 * 2**10 + 1, {401}), (64 * 2**10, {400, 431}), (2**20, {400, 431})]
)
def test_t27_a_huge_token_is_refused_at_once(world: World, size: int, statuses: set[int]) -> None:
    headers = {"Host": "127.0.0.1", "Authorization": f"Bearer {'a' * size}"}
    huge = wire.head("GET", "/auth/user", headers)
    for node in world.nodes:
        took_s = []
        for _ in range(5):
            began = time.monotonic()
            assert status_of(node, huge) in statuses
            took_s.append(time.monotonic() - began)
        assert min(took_s) < 0.05
        assert node.send("GET", "/livez").status_code == 200


def test_t31_the_token_of_a_deleted_account_is_refused_on_every_node(world: World) -> None:
    for node in world.nodes:
        pair = world.sign_up()
        world.settled(pair.at, 200)
        farewell = {"password": PASSWORD}
        answer = node.send("DELETE", "/auth/user", at=pair.at, json=farewell)
        assert answer.status_code == 204
        refused(node.send("GET", "/auth/user", at=pair.at), 401)
        world.settled(pair.at, 401)
        for answer in world.asks(pair.at, pair.username):
            refused(answer, 401)


def test_t31_the_token_of_a_disabled_account_is_refused_on_every_node(world: World) -> None:
    pair = world.sign_up()
    world.settled(pair.at, 200)
    world.command("account", "disable", pair.username)
    world.settled(pair.at, 401, within_s=BY_POLL_S)
    for answer in world.asks(pair.at, pair.username):
        refused(answer, 401)


def test_t32_thousands_of_garbage_tokens_are_refused_and_leave_nothing(worlds: Worlds) -> None:
    with worlds.one() as world:
        (node,) = world.nodes
        pair = world.sign_up()
        process = psutil.Process(node.pid)
        _flood(node, _garbage(pair.at, 0, 2000))  # what the first thousands allocate is kept
        before = process.memory_info().rss
        began = time.monotonic()
        _flood(node, _garbage(pair.at, 2000, 7000))
        took_s = time.monotonic() - began
        grown = process.memory_info().rss - before
        assert grown < 5 * 2**20
        assert took_s < 15, "5000 of them in 5 s on a machine of its own"
        assert node.status(pair.at) == 200


def _garbage(good: str, first: int, last: int) -> list[str]:
    """Return distinct tokens: of letters only, with a wrong signature, by another key, of nobody."""
    header, payload, signature = good.split(".")
    kinds = [
        lambda n: f"garbage-{n}" * 20,
        lambda n: f"{header}.{payload}.{encode(n.to_bytes(32, 'big'))}",
        lambda n: f"{header}.{encode(b'%d' % n)}.{signature}",
        lambda n: forge({"alg": "HS256", "kid": str(n), "typ": "at+jwt"}, {"sub": str(n)}, SECRET),
    ]
    return [kinds[number % len(kinds)](number) for number in range(first, last)]


def _flood(node: Node, tokens: list[str], *, batch: int = 50) -> None:
    """Send all of them over one connection, some at a time, and count the refusals."""
    with wire.connect(node) as connection:
        for start in range(0, len(tokens), batch):
            part = tokens[start : start + batch]
            connection.sendall(
                b"".join(
                    wire.head(
                        "GET", "/auth/user", {"Host": "x", "Authorization": f"Bearer {token}"}
                    )
                    for token in part
                )
            )
            answers = b""
            while answers.count(b'"detail":') < len(part):
                received = connection.recv(2**16)
                assert received, "the connection was closed"
                answers += received
            assert answers.count(b"HTTP/1.1 401 ") == len(part)
