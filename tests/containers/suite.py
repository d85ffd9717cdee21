"""docker-compose-test.yml runs beside docker-compose.yml; `make test-containers` runs this."""

from tests.containers.client import Person
from tests.containers.composing import SUITE, TEST_STACK, Compose, docker

PART = "tests/web/test_health.py"


def test_both_stacks_run_side_by_side_and_one_after_the_other(
    compose: Compose, person: Person
) -> None:
    before = {name: one["Id"] for name, one in compose.containers().items()}
    compose("-f", TEST_STACK, "build")
    compose("-f", TEST_STACK, "up", "-d", TEST_ARGS=PART)
    status = docker("wait", SUITE).strip()
    log = docker("logs", SUITE)
    assert status == "0", log[-5000:]
    assert log.splitlines()[-1] == "PASSED"
    assert person.picture().status_code == 200
    compose.up()
    after = {name: one["Id"] for name, one in compose.containers().items()}
    assert {name: after[name] for name in before} == before
    assert person.picture().status_code == 200


def test_a_failure_is_the_last_line_and_the_exit_status(compose: Compose) -> None:
    compose("-f", TEST_STACK, "up", "-d", TEST_ARGS="tests/nothing.py")
    assert docker("wait", SUITE).strip() == "1"
    lines = docker("logs", SUITE).splitlines()
    assert lines[-1] == "FAILED"
    assert "FAILED: a part of the tests: tests/nothing.py" in lines
