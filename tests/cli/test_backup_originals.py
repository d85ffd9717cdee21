"""Facts about uploaded pictures in backups."""

import asyncio
import io
import json
import logging
import tarfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from tests.cli.backups import command, data_dir, done, made_up, parts_of, refused, settle
from tests.cli.caches import SECRET
from tests.images import colour, png, similar
from tests.stores import S3Server, surround, variables
from tests.web.conftest import Person, served, sign_in, sign_up

from emoticon.adapters.backups.originals import collected
from emoticon.domain.backups import ORIGINALS_PART, BackupRefused
from emoticon.domain.blobs import MAX_BLOB_BYTES, new_place

T = TypeVar("T")

RED, BLUE = (200, 30, 30), (30, 30, 200)
GOOD = b"what was put"
NAME = new_place(7, GOOD).name


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settle(monkeypatch, tmp_path / "data")
    # A command has set up the log, and its output is closed by the time a client speaks.
    monkeypatch.setattr(logging.getLogger("httpx2"), "disabled", True)


def as_ann(act: Callable[[Person], Awaitable[T]]) -> T:
    """Do something as Ann at a service with the settings of this test; she signs up when there is nobody yet."""

    async def run() -> T:
        async with served(data_dir()) as client:
            try:
                ann = await sign_up(client, "ann")
            except AssertionError:
                ann = await sign_in(client, "ann")
            return await act(ann)

    return asyncio.run(run())


def uploading(*given: int) -> Callable[[Person], Awaitable[None]]:
    async def upload(ann: Person) -> None:
        headers = {**ann.headers, "Content-Type": "image/png"}
        answer = await ann.client.put("/emoticon/picture", content=png(*given), headers=headers)
        assert answer.status_code == 200, answer.text

    return upload


async def centre(ann: Person) -> tuple[int, ...]:
    answer = await ann.emoticon({"size": 77})
    assert answer.headers["cache-control"] == "private, no-cache", "no picture in its place"
    return colour(answer.content, 0.5, 0.5)


def originals() -> list[str]:
    return sorted(path.name for path in (data_dir() / "originals").glob("*"))


def verified(*options: str) -> dict[str, object]:
    result = command("cache", "verify", "--older-than-s", "0", "--json", *options)
    found: dict[str, object] = json.loads(result.stdout)["originals"]
    return found


def last_words(*arguments: str) -> str:
    """Return the line with which a command ends that refuses, after what the store has logged."""
    result = command(*arguments)
    assert result.exit_code == 1, result.output
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_pictures_are_back_with_their_accounts(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: str,
) -> None:
    place = {}
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_database")
        place = {"DATABASE_URL": url, "JWT_SECRET": SECRET}
    settle(monkeypatch, tmp_path / "data", **place)
    as_ann(uploading(*RED))
    [name] = originals()
    [said] = done("backup", str(tmp_path / "backup"))
    assert said.endswith(", with uploaded pictures")
    settle(monkeypatch, tmp_path / "other", **place)
    said = done("restore", str(tmp_path / "backup"), "--force")[0]
    assert said.endswith(": 1, with uploaded pictures")
    assert originals() == [name]
    assert similar(as_ann(centre), RED)
    assert verified()["clean"] is True


def test_what_was_uploaded_after_the_backup_is_found_and_what_is_shown_again_stays(
    tmp_path: Path,
) -> None:
    as_ann(uploading(*RED))
    [first] = originals()
    done("backup", str(tmp_path / "backup"))
    as_ann(uploading(*BLUE))
    [second] = originals()
    done("restore", str(tmp_path / "backup"), "--force")
    assert originals() == sorted([first, second])
    found = verified("--repair")
    assert (found["intact"], found["unknown"], found["lost"]) == (1, 1, 0)
    assert originals() == [first]
    assert similar(as_ann(centre), RED)


def test_without_uploads_a_backup_is_as_before(tmp_path: Path) -> None:
    as_ann(_nothing)
    [said] = done("backup", str(tmp_path / "backup"))
    assert said.endswith("the signing key")
    assert ORIGINALS_PART not in parts_of(tmp_path / "backup")


async def _nothing(_: Person) -> None:
    return


def test_what_is_damaged_or_of_others_is_left_out(tmp_path: Path) -> None:
    as_ann(uploading(*RED))
    [name] = originals()
    (data_dir() / "originals" / "notes").write_text("not ours")
    (data_dir() / "originals" / name).write_bytes(b"damaged")
    done("backup", str(tmp_path / "backup"))
    assert ORIGINALS_PART not in parts_of(tmp_path / "backup")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    as_ann(uploading(*RED))
    (data_dir() / "originals" / NAME).mkdir()
    said = last_words("backup", str(tmp_path / "backup"))
    assert said == "emoticon: the uploaded pictures cannot be read"
    assert not (tmp_path / "backup").exists()


def test_where_they_cannot_be_put_the_accounts_stay_as_they_are(tmp_path: Path) -> None:
    as_ann(uploading(*RED))
    done("backup", str(tmp_path / "backup"))
    as_ann(uploading(*BLUE))
    place = data_dir() / "originals"
    place.rename(tmp_path / "aside")
    place.write_text("a file in the way")
    said = last_words("restore", str(tmp_path / "backup"), "--force")
    assert said == "emoticon: the uploaded pictures cannot be put where they are kept"
    place.unlink()
    (tmp_path / "aside").rename(place)
    assert similar(as_ann(centre), BLUE)


def test_those_in_s3_are_not_in_it_and_that_is_said(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    surround(monkeypatch, variables(s3.port))
    monkeypatch.setenv("EMOTICON_STORE_URL", f"s3://{s3.new_bucket()}")
    as_ann(_nothing)
    result = command("backup", str(tmp_path / "backup"))
    assert result.exit_code == 0
    assert "uploaded pictures are in a store of their own: it is to be kept, too" in result.stderr
    assert ORIGINALS_PART not in parts_of(tmp_path / "backup")


def test_a_backup_of_a_directory_can_be_restored_into_s3(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    as_ann(uploading(*RED))
    done("backup", str(tmp_path / "backup"))
    settle(monkeypatch, tmp_path / "other")
    surround(monkeypatch, variables(s3.port))
    monkeypatch.setenv("EMOTICON_STORE_URL", f"s3://{s3.new_bucket()}")
    done("restore", str(tmp_path / "backup"))
    assert verified()["intact"] == 1
    assert originals() == []


def tarred(name: str, data: bytes, *, size: int | None = None, kind: bytes = b"0") -> bytes:
    header = tarfile.TarInfo(name)
    header.size = len(data) if size is None else size
    header.type = kind
    padding = bytes(-len(data) % 512)
    return header.tobuf(tarfile.GNU_FORMAT) + data + padding + bytes(1024)


BAD = {
    "another name": tarred("../../etc/passwd", GOOD),
    "another picture": tarred(NAME, b"another"),
    "cut short": tarred(NAME, GOOD, size=1000),
    "too large": tarred(NAME, GOOD, size=MAX_BLOB_BYTES + 1),
    "a link": tarred(NAME, b"", kind=tarfile.SYMTYPE),
    "a long name": tarred(NAME, GOOD, kind=tarfile.GNUTYPE_LONGNAME),
    "no tar": b"x" * 512,
    "half a header": b"x" * 100,
    "no ascii": tarred("é" * 10, GOOD),
}


@pytest.mark.parametrize("part", BAD.values(), ids=BAD.keys())
def test_nothing_of_a_part_is_put_that_is_not_as_it_was_made(part: bytes, tmp_path: Path) -> None:
    as_ann(uploading(*RED))
    done("backup", str(tmp_path / "backup"))
    parts = parts_of(tmp_path / "backup")
    (tmp_path / "part").write_bytes(part)
    with pytest.raises(BackupRefused):
        [*collected(tmp_path / "part")]
    before = originals()
    good = tarred(NAME, GOOD).removesuffix(bytes(1024))
    hostile = made_up({**parts, ORIGINALS_PART: good + part}, schema="0004")
    said = refused("restore", "-", "--force", given=hostile)
    assert said.endswith("originals.tar is damaged")
    assert originals() == before
    assert similar(as_ann(centre), RED)


def test_a_part_is_a_plain_tar(tmp_path: Path) -> None:
    as_ann(uploading(*RED))
    [name] = originals()
    done("backup", str(tmp_path / "backup"))
    part = parts_of(tmp_path / "backup")[ORIGINALS_PART]
    with tarfile.open(fileobj=io.BytesIO(part)) as tar:
        assert tar.getnames() == [name]
