"""Facts about the file of a backup: what is not exactly one is refused, and nothing is written elsewhere."""

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cli.backups import gzipped, made_up, packed, repacked

from emoticon.adapters.backups.archive import described, pack, unpack
from emoticon.adapters.backups.places import put, workplace
from emoticon.domain.backups import BackupRefused, Manifest

CONTENT = {"accounts.sqlite3": bytes(range(256)) * 300, "jwt-secret": b"k" * 65}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory inside of an empty one, which stays as it is."""
    inside = tmp_path / "deep" / "place"
    inside.mkdir(parents=True)
    yield inside
    assert [path for path in tmp_path.rglob("*") if inside not in path.parents] == [
        tmp_path / "deep",
        inside,
    ]


def read(place: Path, backup: bytes) -> Manifest:
    return unpack(io.BytesIO(backup), place, lambda _manifest: None, lambda *_: None)


def header(
    name: str, size_bytes: int, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.size, found.type, found.linkname = size_bytes, kind, link
    return found


def manifest_for(*files: tuple[str, bytes]) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(made_up(dict(files)))) as tar:
        first = tar.extractfile("manifest.json")
        assert first is not None
        return first.read()


def test_what_is_packed_is_unpacked(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    source = tmp_path_factory.mktemp("source")
    for name, content in CONTENT.items():
        (source / name).write_bytes(content)
    parts = tuple(described(source / name) for name in CONTENT)
    manifest = Manifest("1.0", "0003", "2026-01-31T23:59:59Z", "sqlite", "kept", parts)
    out, seen = io.BytesIO(), []
    pack(manifest, source, out, lambda *progress: seen.append(progress))
    assert seen[-1] == ("packing", manifest.size_bytes, manifest.size_bytes)
    assert read(place, out.getvalue()) == manifest
    assert {path.name: path.read_bytes() for path in place.iterdir()} == CONTENT


@pytest.mark.parametrize("blocks", range(21))
def test_a_backup_of_any_length_is_unpacked(place: Path, blocks: int) -> None:
    content = {"accounts.sqlite3": b"x" * (blocks * 512 + 1)}
    read(place, made_up(content))
    assert {path.name: path.read_bytes() for path in place.iterdir()} == content


def test_a_manifest_that_is_not_accepted_ends_it_before_anything_is_written(place: Path) -> None:
    def refuse(_manifest: Manifest) -> None:
        raise BackupRefused("not this one")

    with pytest.raises(BackupRefused, match="not this one"):
        unpack(io.BytesIO(made_up(CONTENT)), place, refuse, lambda *_: None)
    assert [*place.iterdir()] == []


def test_a_backup_that_is_larger_than_the_disk_is_refused_before_anything_is_written(
    place: Path,
) -> None:
    size_bytes = shutil.disk_usage(place).free + 2**30
    manifest = json.loads(manifest_for(*CONTENT.items()))
    manifest["parts"][0]["size_bytes"] = size_bytes
    with pytest.raises(BackupRefused, match="not so many are free"):
        read(place, packed({"manifest.json": json.dumps(manifest).encode()}))
    assert [*place.iterdir()] == []


NAMES = ["../outside", "/outside", "deep/../../outside", "./jwt-secret", "jwt-secret\n", "x" * 99]
KINDS = {
    "link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "device": tarfile.CHRTYPE,
    "pipe": tarfile.FIFOTYPE,
    "directory": tarfile.DIRTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
    "long name": tarfile.GNUTYPE_LONGNAME,
    "pax": tarfile.XHDTYPE,
    "global pax": tarfile.XGLTYPE,
    "old regular file": tarfile.AREGTYPE,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_another_name_is_refused(place: Path, name: str) -> None:
    manifest = manifest_for(*CONTENT.items())
    hostile = repacked(
        [(header("manifest.json", len(manifest)), manifest), (header(name, 4), b"evil")]
    )
    with pytest.raises(BackupRefused):
        read(place, hostile)
    assert [*place.iterdir()] == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=[*KINDS])
def test_what_is_no_plain_file_is_refused(place: Path, kind: bytes) -> None:
    manifest = manifest_for(*CONTENT.items())
    content = CONTENT["accounts.sqlite3"]
    hostile = repacked(
        [
            (header("manifest.json", len(manifest)), manifest),
            (header("accounts.sqlite3", len(content), kind, "/etc/passwd"), content),
        ]
    )
    with pytest.raises(BackupRefused):
        read(place, hostile)
    assert [*place.iterdir()] == []


@pytest.mark.parametrize(
    ("backup", "message"),
    [
        (b"", "cut short"),
        (b"not even compressed", "cut short"),
        (gzipped(b""), "cut short"),
        (gzipped(b"\0" * 10240), "cut short"),
        (gzipped(b"x" * 10240), "cut short"),
        (packed(CONTENT), "does not name"),
        (packed({"manifest.json": b" " * 70_000}), "too long"),
        (packed({"manifest.json": b"{}"}), "cannot be read"),
        (packed({"manifest.json": manifest_for(*CONTENT.items())}), "cut short"),
        (made_up(CONTENT) + b"more", "cut short"),
        (made_up(CONTENT) + gzipped(b"more"), "does not name"),
        (made_up(CONTENT) + gzipped(b"\0" * 10240), "does not name"),
        (made_up({**CONTENT, "jwt-secret": b""})[:-8], "cut short"),
    ],
)
def test_what_is_no_backup_is_refused(place: Path, backup: bytes, message: str) -> None:
    with pytest.raises(BackupRefused, match=message):
        read(place, backup)


def test_another_size_or_sum_than_the_manifest_says_is_refused(place: Path) -> None:
    manifest = manifest_for(*CONTENT.items())
    other = {**CONTENT, "accounts.sqlite3": CONTENT["accounts.sqlite3"] + b"x"}
    with pytest.raises(BackupRefused, match="cut short or damaged"):
        read(place, packed({"manifest.json": manifest, **other}))
    other = {**CONTENT, "accounts.sqlite3": CONTENT["accounts.sqlite3"][::-1]}
    with pytest.raises(BackupRefused, match=r"the sum of accounts\.sqlite3 is wrong"):
        read(place, packed({"manifest.json": manifest, **other}))


def test_a_bomb_is_not_unpacked(place: Path) -> None:
    bomb = made_up(CONTENT) + gzipped(b"\0" * 50_000_000)
    with pytest.raises(BackupRefused, match="does not name"):
        read(place, bomb)
    assert sum(path.stat().st_size for path in place.iterdir()) == sum(map(len, CONTENT.values()))


BACKUP = made_up(CONTENT)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, len(BACKUP) - 1))
def test_a_backup_that_is_cut_short_is_refused(place: Path, length: int) -> None:
    with pytest.raises(BackupRefused):
        read(place, BACKUP[:length])
    for path in place.iterdir():
        path.unlink()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(10, len(BACKUP) - 1), st.integers(1, 255))
def test_a_damaged_byte_never_gives_other_content(place: Path, at: int, change: int) -> None:
    damaged = bytearray(BACKUP)
    damaged[at] ^= change
    try:
        read(place, bytes(damaged))
    except BackupRefused:
        pass
    else:
        assert {path.name: path.read_bytes() for path in place.iterdir()} == CONTENT
    for path in place.iterdir():
        path.unlink()


def test_a_workplace_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".target.partial").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"directory|symbolic"), workplace(tmp_path / "target"):
        pass


def test_what_is_put_is_for_its_owner_only(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    with workplace(target) as place:
        (place / "new").write_bytes(b"new")
        (place / "link").symlink_to(tmp_path)
        put(place / "new", target)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [*tmp_path.iterdir()] == [target]
