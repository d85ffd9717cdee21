"""Facts about the generated signing key."""

import threading
from pathlib import Path

import pytest

from emoticon.adapters.secret import load_or_create


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "jwt-secret"
    key = load_or_create(path)
    assert len(key) == 64
    assert load_or_create(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["jwt-secret"]


def test_two_services_have_two_keys(tmp_path: Path) -> None:
    assert load_or_create(tmp_path / "a") != load_or_create(tmp_path / "b")


def test_all_who_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        found.append(load_or_create(tmp_path / "jwt-secret"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff\xfe"])
def test_a_damaged_key_is_reported_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "jwt-secret"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="restore it"):
        load_or_create(path)
    assert path.read_bytes() == content
