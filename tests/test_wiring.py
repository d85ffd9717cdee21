"""Facts about opening the services."""

import sqlite3
from pathlib import Path

import pytest

from emoticon.domain.models import Origin
from emoticon.settings import Settings
from emoticon.wiring import StartError, open_services

ORIGIN = Origin()


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
