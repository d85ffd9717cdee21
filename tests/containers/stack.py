"""docker-compose.yml does what docs/deployment.md says; `make test-containers` runs this."""

import subprocess
import sys
from typing import Any

import pytest
from tests.containers.client import PNG, Person
from tests.containers.composing import ROOT, Compose, docker

SERVERS = ("nginx", "app", "postgres", "valkey", "pictures")
ONCE = ("secrets", "migrate")


def test_a_stranger_gets_a_picture_through_nginx(compose: Compose) -> None:
    command = [sys.executable, str(ROOT / "tools/smoke.py"), compose.base]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "bytes of PNG" in done.stdout


def test_servers_are_healthy_and_tasks_have_ended_well(compose: Compose) -> None:
    containers = compose.containers()
    assert sorted(containers) == sorted((*SERVERS, *ONCE))
    for service in ONCE:
        assert containers[service]["State"]["ExitCode"] == 0
    for service in set(SERVERS) - {"nginx"}:  # after which nothing waits
        assert containers[service]["State"]["Health"]["Status"] == "healthy"


def test_nginx_alone_publishes_a_port_and_on_loopback(compose: Compose) -> None:
    published = {
        service: one["HostConfig"]["PortBindings"]
        for service, one in compose.containers().items()
        if one["HostConfig"]["PortBindings"]
    }
    assert list(published) == ["nginx"]
    (binding,) = published["nginx"]["8080/tcp"]
    assert binding["HostIp"] == "127.0.0.1"


@pytest.mark.parametrize("service", [*SERVERS, *ONCE])
def test_a_container_may_do_little(compose: Compose, service: str) -> None:
    one = compose.containers()[service]
    host: dict[str, Any] = one["HostConfig"]
    assert one["Config"]["User"].split(":")[0] not in ("", "0", "root")
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0


def test_every_network_but_that_of_nginx_leads_nowhere(compose: Compose) -> None:
    ways_out = set()
    for service, one in compose.containers().items():
        for network in one["NetworkSettings"]["Networks"]:
            if network == "none":
                continue
            if docker("network", "inspect", "--format", "{{.Internal}}", network).strip() != "true":
                ways_out.add(service)
    assert ways_out == {"nginx"}


def test_no_container_that_stays_shows_a_secret(compose: Compose) -> None:
    found = compose.inside("app", "cat /run/secrets/JWT_SECRET /run/secrets/PG_PASS")
    made = [found[:64], found[64:128]]
    assert len(set(made)) == 2
    shown = str({name: one for name, one in compose.containers().items() if name != "secrets"})
    logged = compose("logs")
    for secret in made:
        assert secret not in shown
        assert secret not in logged


@pytest.mark.parametrize(
    ("service", "own", "foreign"),
    [
        ("postgres", "PG_PASS", "JWT_SECRET"),
        ("valkey", "VALKEY_PASSWORD", "PG_PASS"),
        ("pictures", "VALKEY_PASSWORD", "JWT_SECRET"),
    ],
)
def test_a_server_reads_its_own_secret_only(
    compose: Compose, service: str, own: str, foreign: str
) -> None:
    assert len(compose.inside(service, f"cat /run/secrets/{own}").strip()) == 64
    assert "denied" in compose.inside(service, f"cat /run/secrets/{foreign}", check=False)
    assert "denied" in compose.inside(service, "ls /run/secrets", check=False)


def test_valkey_wants_a_password(compose: Compose) -> None:
    for service in ("valkey", "pictures"):
        assert "NOAUTH" in compose.inside(service, "valkey-cli dbsize", check=False)


def test_one_valkey_evicts_and_the_other_does_not(compose: Compose) -> None:
    policies = {
        service: compose.inside(
            service,
            "REDISCLI_AUTH=$(cat /run/secrets/VALKEY_PASSWORD)"
            " valkey-cli config get maxmemory-policy",
        ).split()[1]
        for service in ("valkey", "pictures")
    }
    assert policies == {"valkey": "noeviction", "pictures": "allkeys-lfu"}


def test_the_service_is_no_superuser_and_the_superuser_has_no_password(compose: Compose) -> None:
    rows = compose.inside(
        "postgres",
        "psql -U postgres -tAc 'SELECT rolname, rolsuper, rolpassword IS NULL FROM pg_authid"
        " WHERE rolcanlogin ORDER BY 1'",
    )
    assert rows.split() == ["emoticon|f|f", "postgres|t|t"]


def test_a_client_cannot_make_up_its_address(compose: Compose, person: Person) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9"}
    form = {"username": person.name, "password": person.password}
    answer = person.call("POST", "/auth/sign-in", data=form, headers=forged)
    person.tokens = answer.json()
    listed = person.call("GET", "/auth/sessions").text
    assert "203.0.113.9" not in listed
    gateway = compose.containers()["nginx"]["NetworkSettings"]["Networks"]
    assert any(network["Gateway"] and network["Gateway"] in listed for network in gateway.values())


def test_nginx_gives_out_what_was_published_while_the_service_stands_still(
    compose: Compose, person: Person
) -> None:
    first, second = person.picture(), person.picture()
    assert first.status_code == second.status_code == 200
    compose("pause", "app")
    try:
        third = person.picture()
    finally:
        compose("unpause", "app")
    assert (third.status_code, third.content) == (200, first.content)
    assert third.content.startswith(PNG)


def test_an_older_token_is_dead_at_the_next_request(person: Person) -> None:
    assert person.picture().status_code == person.picture().status_code == 200
    older = dict(person.tokens)
    person.refresh()
    newer, person.tokens = person.tokens, older
    assert person.picture().status_code == 401
    person.tokens = newer
    assert person.picture().status_code == 200


def test_commands_run_in_the_container_of_the_service(compose: Compose, person: Person) -> None:
    assert person.name in compose("exec", "-T", "app", "emoticon", "account", "list")
    assert person.name in compose("run", "--rm", "app", "account", "list")


def test_a_second_start_keeps_accounts_and_tokens(compose: Compose, person: Person) -> None:
    before = person.picture().content
    compose("down")
    compose.up()
    assert person.picture().content == before
    person.refresh()
    assert person.picture().content == before
