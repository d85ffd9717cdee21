"""Facts about opening the services."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.nginx import public_directory
from tests.valkey import ValkeyServer

from emoticon.domain.errors import (
    InvalidToken,
    InvalidUsername,
    NotAuthenticated,
    SessionSuperseded,
    TooManyAttempts,
    WrongCredentials,
)
from emoticon.domain.models import Event, Format, Origin
from emoticon.domain.services import Services
from emoticon.settings import Settings
from emoticon.wiring import StartError, open_operators, open_services

ORIGIN = Origin(address="192.0.2.1")
PASSWORD = "seven green boats at noon"
SECRETS = [f"{number} of these tests and of them alone" for number in range(2)]


async def dies(services: Services, token: str) -> None:
    """Wait until the token is refused, at most 5 s."""
    async with asyncio.timeout(5):
        while True:
            try:
                await services.sessions.identities.of(token)
            except NotAuthenticated:
                return
            await asyncio.sleep(0.01)


async def attempt(services: Services, password: str) -> None:
    with pytest.raises(WrongCredentials):
        await services.sessions.sign_in("ann", password, ORIGIN)


async def without_a_trace(use: Callable[[], Awaitable[None]]) -> None:
    """Run something that must leave no task and no thread behind."""
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    await use()
    assert asyncio.all_tasks() <= tasks
    for thread in set(threading.enumerate()) - threads:  # it was told to end
        thread.join(5)
        assert not thread.is_alive()


async def test_an_embedded_start_migrates_a_file_that_is_not_empty(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "accounts.sqlite3") as connection:
        connection.execute("CREATE TABLE users (id INTEGER)")
    connection.close()
    async with open_services(Settings(data_dir=tmp_path)) as services:
        pair = await services.accounts.sign_up("ann", "seven green boats", ORIGIN)
    assert pair.access.expires_in_s == 600


async def test_an_embedded_start_leaves_the_file_of_a_newer_release_alone(tmp_path: Path) -> None:
    async with open_services(Settings(data_dir=tmp_path)):
        pass
    with sqlite3.connect(tmp_path / "accounts.sqlite3") as connection:
        connection.execute("UPDATE emoticon_schema SET version_num = '9999'")
    connection.close()
    with pytest.raises(StartError, match="is at revision 9999"):
        async with open_services(Settings(data_dir=tmp_path)):
            pass


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"data_dir": Path("/dev/null/data")}, "EMOTICON_DATA_DIR names another directory"),
        ({"default_style": "no-such-style"}, "EMOTICON_DEFAULT_STYLE='no-such-style'"),
        ({"edge_dir": Path("/dev/null/edge")}, "EMOTICON_EDGE_DIR: Not a directory"),
    ],
)
async def test_a_start_that_cannot_be_says_why_and_what_to_do(
    tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(StartError, match=words):
        async with open_services(Settings(**{"data_dir": tmp_path} | given)):
            pass


async def test_a_database_without_tables_is_left_to_the_operator(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/a.db", jwt_secret=SECRETS[0]
    )
    with pytest.raises(StartError, match="has no tables yet; run: emoticon migrate"):
        async with open_services(settings):
            pass


async def test_open_services_are_ready_and_leave_nothing_behind(tmp_path: Path) -> None:
    async def use() -> None:
        async with open_services(Settings(data_dir=tmp_path)) as services:
            health = await services.readiness.check()
            assert [(part.name, part.ok) for part in health] == [
                ("database", True),
                ("floors", True),
            ]
            await services.accounts.sign_up("ann", PASSWORD, ORIGIN)

    await without_a_trace(use)


async def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    async def use() -> None:
        with pytest.raises(StartError):
            async with open_services(Settings(data_dir=tmp_path, default_style="none")):
                pass

    await without_a_trace(use)


async def test_answers_are_published_in_this_process_unless_a_directory_is_given(
    tmp_path: Path,
) -> None:
    with public_directory() as edge_dir:
        for given, asked in ((None, True), (edge_dir, False)):
            settings = Settings(data_dir=tmp_path, edge_dir=given)
            async with open_services(settings) as services:
                assert (services.publishing.asked is services.publishing.edge) == asked
                trees = [tree.stat().st_ino for tree in edge_dir.iterdir()]
                assert bool(trees) != asked
                async with open_operators(settings, ORIGIN):
                    left = [tree.stat().st_ino for tree in edge_dir.iterdir()]
                    assert left == trees, "a command does not empty it"


async def test_an_end_is_heard_by_the_edge_before_it_is_answered(tmp_path: Path) -> None:
    async with open_services(Settings(data_dir=tmp_path)) as services:
        publishing = services.publishing
        token = (await services.accounts.sign_up("ann", PASSWORD, ORIGIN)).access.value
        identity = await services.sessions.identities.of(token)
        picture = await services.emoticons.own(identity.account, "ann", 64, Format.PNG)
        publishing.publish(token, identity, "ann", picture)
        assert publishing.find(token, "ann", 64, Format.PNG) is picture
        await services.sessions.sign_out(identity, ORIGIN)
        assert publishing.find(token, "ann", 64, Format.PNG) is None


@pytest.mark.parametrize("limits", ["on", "off"])
async def test_attempts_are_limited_unless_that_is_switched_off(
    tmp_path: Path, limits: str
) -> None:
    settings = Settings(data_dir=tmp_path, limits=limits, password_attempts=2)
    async with open_services(settings) as services:
        await services.accounts.sign_up("ann", PASSWORD, ORIGIN)
        for _ in range(2):
            await attempt(services, "wrong")
        if limits == "on":
            with pytest.raises(TooManyAttempts):
                await services.sessions.sign_in("ann", PASSWORD, ORIGIN)
        else:
            await services.sessions.sign_in("ann", PASSWORD, ORIGIN)


async def test_names_in_other_scripts_are_taken_when_that_is_switched_on(tmp_path: Path) -> None:
    async with open_services(Settings(data_dir=tmp_path)) as services:
        with pytest.raises(InvalidUsername):
            await services.accounts.sign_up("анна", PASSWORD, ORIGIN)
    async with open_services(Settings(data_dir=tmp_path, usernames="unicode")) as services:
        pair = await services.accounts.sign_up("Анна", PASSWORD, ORIGIN)
        identity = await services.sessions.identities.of(pair.access.value)
        assert identity.account.username == "анна"


@pytest.mark.parametrize("signing", ["hs256", "ed25519"])
async def test_tokens_of_a_former_secret_stay_good_while_it_is_named(
    tmp_path: Path, signing: str
) -> None:
    given: dict[str, Any] = {"data_dir": tmp_path, "token_signing": signing}
    async with open_services(Settings(**given, jwt_secret=SECRETS[0])) as services:
        old = await services.accounts.sign_up("ann", PASSWORD, ORIGIN)
    rotated = Settings(**given, jwt_secret=SECRETS[1], jwt_secret_previous=SECRETS[0])
    async with open_services(rotated) as services:
        await services.sessions.identities.of(old.access.value)
        new = await services.sessions.refresh(old.refresh, ORIGIN)
        await services.sessions.identities.of(new.access.value)
    async with open_services(Settings(**given, jwt_secret=SECRETS[1])) as services:
        await services.sessions.identities.of(new.access.value)
        with pytest.raises(InvalidToken):
            await services.sessions.identities.of(old.access.value)


async def test_a_restart_knows_what_died_before(tmp_path: Path) -> None:
    async with open_services(Settings(data_dir=tmp_path)) as services:
        old = await services.accounts.sign_up("ann", PASSWORD, ORIGIN)
        new = await services.sessions.refresh(old.refresh, ORIGIN)
    async with open_services(Settings(data_dir=tmp_path)) as services:
        with pytest.raises(SessionSuperseded):
            await services.sessions.identities.of(old.access.value)
        await services.sessions.identities.of(new.access.value)


async def test_what_a_command_does_reaches_the_running_service(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    async with open_services(settings) as services:
        pair = await services.accounts.sign_up("ann", PASSWORD, ORIGIN)
        await services.sessions.identities.of(pair.access.value)
        async with open_operators(settings, Origin("the operator")) as (operators, housekeeping):
            await operators.disable("ann")
            newest = (await operators.audit("ann", 1))[0]
            assert (newest.event, newest.origin.user_agent) == (Event.DISABLED, "the operator")
            gone = await housekeeping.prune(lambda _kind, _count: None)
            assert set(gone.values()) == {0}
        await dies(services, pair.access.value)
        await attempt(services, PASSWORD)


async def test_with_valkey_nodes_count_attempts_together_and_hear_each_other(
    tmp_path: Path, sqlite_database: str, empty_valkey: ValkeyServer
) -> None:
    def settings(name: str) -> Settings:
        return Settings(
            data_dir=tmp_path / name,
            database_url=sqlite_database.replace("+aiosqlite", ""),
            redis_url=empty_valkey.url,
            jwt_secret=SECRETS[0],
            password_attempts=2,
        )

    async with open_services(settings("one")) as one, open_services(settings("other")) as other:
        pair = await one.accounts.sign_up("ann", PASSWORD, ORIGIN)
        await other.sessions.identities.of(pair.access.value)
        await one.sessions.sign_in("ann", PASSWORD, ORIGIN)
        await dies(other, pair.access.value)
        assert empty_valkey.call("DBSIZE") > 0
        await attempt(one, "wrong")
        await attempt(other, "wrong")
        for node in (one, other):
            with pytest.raises(TooManyAttempts):
                await node.sessions.sign_in("ann", PASSWORD, ORIGIN)
