"""What is in deploy/ does what it says."""

from pathlib import Path

from redis import Redis
from tests.valkey import ValkeyServer

DEPLOY = Path(__file__).parents[1] / "deploy"

SETTINGS = {
    "maxmemory": "1073741824",
    "maxmemory-policy": "allkeys-lfu",
    "lfu-decay-time": "1440",
    "maxmemory-samples": "10",
    "hash-max-listpack-value": "16384",
    "hash-max-listpack-entries": "64",
    "save": "",
    "appendonly": "no",
    "lazyfree-lazy-eviction": "yes",
    "lazyfree-lazy-server-del": "yes",
    "lazyfree-lazy-user-del": "yes",
    "maxmemory-clients": "5%",
}


def test_a_valkey_starts_with_its_configuration_and_has_these_settings(tmp_path: Path) -> None:
    before = "save 60 1\nappendonly yes\n"  # as a server's own file may say
    configuration = f"{before}include {DEPLOY / 'valkey.conf'}\n"
    with (
        ValkeyServer(tmp_path, configuration) as server,
        Redis.from_url(server.url) as client,
    ):
        assert client.config_get(*SETTINGS) == SETTINGS


def test_its_configuration_has_every_setting_that_is_tested_and_no_other() -> None:
    lines = (DEPLOY / "valkey.conf").read_text().splitlines()
    words = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert sorted(words) == sorted(SETTINGS)


def test_pictures_of_an_account_are_packed_with_it(tmp_path: Path) -> None:
    with ValkeyServer(tmp_path, f"include {DEPLOY / 'valkey.conf'}\n") as server:
        for field in range(4):
            server.call("HSET", "emoticon:pictures:1", f"{field:016}", "x" * 6000)
        assert server.call("OBJECT", "ENCODING", "emoticon:pictures:1") == b"listpack"
