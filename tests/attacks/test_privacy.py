"""Attack rows O01, O02 and O04: what is left behind of a run, in logs, databases and Valkey."""

import json
from collections.abc import Iterator

from tests.attacks.conftest import Worlds
from tests.attacks.forging import claims_of
from tests.attacks.world import NEWS_S, Pair, World, new_name, refused
from tests.valkey import ValkeyServer

OTHER_PASSWORD = "eight red lanterns by the quay"
WRONG_PASSWORD = "nine wrong guesses before tea"


def live(world: World) -> tuple[str, list[str]]:
    """Do everything that has to do with a secret; return a name, and every secret that was used."""
    name = new_name()
    pairs = [world.sign_up(name)]
    refused(world.try_sign_in(name, WRONG_PASSWORD), 401, "wrong_credentials")
    pairs.append(world.sign_in(name))
    pairs.append(world.refresh(pairs[-1]))
    pairs.append(world.refresh(pairs[-1]))
    refused(world.try_refresh(pairs[-3].rt), 401, "invalid_grant")  # used up: the session ends
    pairs.append(world.sign_in(name))
    world.settled(pairs[-1].at, 200)
    change = {"current_password": WRONG_PASSWORD, "new_password": OTHER_PASSWORD}
    answer = world.send("PUT", "/auth/password", json=change, at=pairs[-1].at)
    refused(answer, 403, "wrong_password")
    change["current_password"] = "seven green boats at noon"
    answer = world.send("PUT", "/auth/password", json=change, at=pairs[-1].at)
    body = answer.json()
    pairs.append(Pair(name, body["access_token"], body["refresh_token"]))
    world.settled(pairs[-1].at, 200)
    refused(world.send("GET", "/none", at=pairs[-1].at, params={"refresh_token": "x"}), 404)
    world.send("POST", "/auth/revoke", data={"token": pairs[-1].rt})
    pairs.append(world.sign_in(name, OTHER_PASSWORD))
    world.settled(pairs[-1].at, 200)
    world.sign_out(pairs[-1])
    pairs.append(world.sign_in(name, OTHER_PASSWORD))
    world.settled(pairs[-1].at, 200)
    farewell = {"password": OTHER_PASSWORD}
    assert world.send("DELETE", "/auth/user", json=farewell, at=pairs[-1].at).status_code == 204
    world.settled(pairs[-1].at, 401, within_s=NEWS_S)
    passwords = ["seven green boats at noon", OTHER_PASSWORD, WRONG_PASSWORD]
    signatures = [pair.at.rpartition(".")[2] for pair in pairs]
    return name, [*passwords, *signatures, *(pair.at for pair in pairs), *(p.rt for p in pairs)]


def left_behind(world: World) -> Iterator[tuple[str, bytes]]:
    """Yield everything that is stored or logged, each with where it was found."""
    for file in world.directory.rglob("*"):
        if file.is_file():
            yield str(file), file.read_bytes()
    if world.database:
        yield "pg_dump", world.postgres.dump(world.database).encode()
        yield "Valkey", valkey_dump(world.valkey)


def valkey_dump(server: ValkeyServer) -> bytes:
    """Return every key with its value, whatever its type."""
    readers: dict[bytes, tuple[str | int, ...]] = {
        b"stream": ("XRANGE", "-", "+"),
        b"list": ("LRANGE", 0, -1),
        b"string": ("GET",),
    }
    values = []
    for key in server.call("KEYS", "*"):
        command, *rest = readers[server.call("TYPE", key)]
        values.append((key, server.call(command, key, *rest)))
    return repr(values).encode()


def assert_nothing_is_left(world: World) -> None:
    name, secrets = live(world)
    places = dict(left_behind(world))
    assert any(name.encode() in data for data in places.values()), "it does not look where it is"
    if world.database:
        assert any(b"emoticon:changes" in data for data in places.values())
    found = [
        (secret[:12], place)
        for secret in secrets
        for place, data in places.items()
        if secret.encode() in data
    ]
    assert not found


def test_o01_no_password_and_no_token_is_in_logs_or_files_of_one_node(worlds: Worlds) -> None:
    with worlds.one(EMOTICON_LOG_LEVEL="debug", EMOTICON_SLOW_REQUEST_MS="1") as world:
        assert_nothing_is_left(world)


def test_o01_no_password_and_no_token_is_in_a_dump_valkey_or_logs_of_three_nodes(
    worlds: Worlds,
) -> None:
    settings = {"EMOTICON_LIMITS": "on", "EMOTICON_LOG_LEVEL": "debug"}
    with worlds.three(EMOTICON_SLOW_REQUEST_MS="1", **settings) as world:
        assert_nothing_is_left(world)


def test_o02_a_stolen_database_has_what_is_public_of_a_session_only(world: World) -> None:
    """A refresh token is a session's id, a counter and a MAC: the MAC is nowhere."""
    pair = world.sign_up()
    columns = world.session(pair, "id, refresh_counter")
    assert columns == f"{pair.sid}|0"
    forged = pair.rt[:-43] + "A" * 43
    refused(world.try_refresh(forged), 401, "invalid_grant")
    (password_hash,) = world.sql(
        f"SELECT password_hash FROM accounts WHERE username = '{pair.username}'"  # noqa: S608 - the test's own
    )
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    refused(world.try_sign_in(pair.username, password_hash), 401, "wrong_credentials")


def test_o04_every_act_has_a_row_with_address_agent_and_request_id(world: World) -> None:
    headers = {"User-Agent": "a browser", "X-Request-ID": "asked-by-a-test"}
    name = new_name()
    body = {"username": name, "password": "seven green boats at noon"}
    made = world.send("POST", "/auth/sign-up", json=body, headers=headers).json()
    wrong = {"username": name, "password": WRONG_PASSWORD}
    world.send("POST", "/auth/sign-in", data=wrong, headers=headers)
    form = {"refresh_token": made["refresh_token"]}
    made = world.send("POST", "/auth/refresh", data=form, headers=headers).json()
    world.settled(made["access_token"], 200)
    world.send("POST", "/auth/sign-out", at=made["access_token"], headers=headers)
    assert world.events(name) == ["sign_up", "sign_in_failed", "refresh", "sign_out"]
    account = claims_of(made["access_token"])["sub"]
    rows = world.sql(
        f"SELECT address, user_agent, request_id FROM audit WHERE account_id = {account}"  # noqa: S608 - as above
    )
    assert rows == ["127.0.0.1|a browser|asked-by-a-test"] * 4


def test_o04_the_operator_reads_them(lone_node: World) -> None:
    pair = lone_node.sign_up()
    (line,) = lone_node.command("account", "audit", pair.username, "--json").splitlines()
    assert json.loads(line)["event"] == "sign_up"
