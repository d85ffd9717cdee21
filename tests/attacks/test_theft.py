"""What somebody gets who has a copy of the database, or reads the log after things went wrong (O01, O02)."""

import hmac
import json
import re
from collections.abc import Iterator
from hashlib import sha256

import pytest
from tests.attacks.conftest import Worlds
from tests.attacks.forging import claims_of, decode, encode, forge, header_of
from tests.attacks.serving import LoggingService
from tests.attacks.world import PASSWORD, SECRET, World, new_name, refused, until

OTHER = "eight red lanterns by the quay"


def texts(world: World) -> list[str]:
    """Return every value of every row that a thief finds, and the parts of those that have some."""
    rows = [
        row
        for table in ("accounts", "sessions", "audit")
        for row in world.sql(f"SELECT * FROM {table}")  # noqa: S608 - one of the three
    ]
    values = {value for row in rows for value in row.split("|")}
    values |= {part for value in values for part in re.split(r"[$,=\s]", value)}
    return sorted(value for value in values if value)


def refresh_tokens(data: bytes, keys: list[str]) -> Iterator[str]:
    """Yield what a thief would make of the part of a refresh token that is no secret."""
    yield encode(data + bytes(32))
    yield encode(data + sha256(data).digest())
    for key in keys:
        for spelt in (key.encode(), sha256(key.encode()).digest()):
            yield encode(data + hmac.digest(spelt, data, "sha256"))


def test_o02_nothing_in_a_stolen_database_makes_a_credential(worlds: Worlds) -> None:
    with worlds.one() as world:
        pair = world.sign_up()
        found = texts(world)
        assert pair.sid in found
        header, claims = header_of(pair.at), claims_of(pair.at)
        assert world.everywhere(forge(header, claims, SECRET)) == [200]  # so it is forged well
        for value in found:
            assert world.everywhere(forge(header, claims, value)) == [401]
        forged = list(refresh_tokens(decode(pair.rt)[:-32], found))
        for token in forged:
            refused(world.try_refresh(token), 401, "invalid_grant")
        for value in found:
            refused(world.send("GET", "/auth/user", at=value), 401)
            if len(value.encode()) <= 256:
                refused(world.try_sign_in(pair.username, value), 401, "wrong_credentials")
        assert len(forged) > 20
        assert world.everywhere(pair.at) == [200]
        assert world.try_refresh(pair.rt).status_code == 200


@pytest.mark.parametrize("path", ["/auth/sessions/{}", "/{}", "/auth/refresh/{}/x", "/emoticon/{}"])
def test_o01_a_token_in_a_path_is_not_logged(worlds: Worlds, path: str) -> None:
    with worlds.one(EMOTICON_SLOW_REQUEST_MS="1") as world:
        pair, node = world.sign_up(), world.nodes[0]
        assert isinstance(node.service, LoggingService)
        log = node.service.log
        for token in (pair.rt, pair.at):
            logged = log.read_text().count("[redacted]")

            def logs_more(wrong: str = path.format(token), logged: int = logged) -> bool:
                node.send("DELETE", wrong, at=pair.at)
                return log.read_text().count("[redacted]") > logged

            until(logs_more, True, within_s=20)  # what takes a millisecond or more is logged
        assert not [token for token in (pair.at, pair.rt) if token[-20:] in log.read_text()]


def test_o01_nothing_secret_is_logged_when_the_database_goes_away(worlds: Worlds) -> None:
    with worlds.three_with_own_postgres() as world:
        pair, name = world.sign_up(), new_name()
        world.postgres.stop()
        try:
            for node in world.nodes:
                body = {"username": name, "password": OTHER}
                refused(node.send("POST", "/auth/sign-up", json=body), 503)
                refused(world.try_sign_in(pair.username, PASSWORD, node), 503)
                refused(world.try_refresh(pair.rt, node), 503)
                change = {"current_password": PASSWORD, "new_password": OTHER}
                node.send("PUT", "/auth/password", at=pair.at, json=change)
        finally:
            world.postgres.start()
    logs = "\n".join(node.service.errors for node in world.nodes)
    secrets = [PASSWORD, OTHER, pair.at, pair.rt, pair.at.rpartition(".")[2], "argon2"]
    secrets += [world.postgres.password, world.valkey.password, SECRET]
    assert not [secret for secret in secrets if secret in logs]
    assert all(isinstance(json.loads(line), dict) for line in logs.splitlines() if line)
