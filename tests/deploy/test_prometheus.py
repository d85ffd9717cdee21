"""Facts about the alerts and the dashboard, by Prometheus itself: its tool, and a server that scrapes a service.

Both are in Debian's package `prometheus`; tests that need them say so and are skipped without.
"""

import itertools
import json
import math
import re
import shutil
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from httpx2 import Client, ConnectError
from tests.e2e.conftest import SECRET, Service
from tests.servers import free_port
from tests.valkey import ValkeyServer

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
DASHBOARD = ROOT / "deploy/grafana/dashboards/emoticon.json"
UNIT_TESTS = sorted((Path(__file__).parent / "prometheus").glob("*.test.yml"))
TOKEN = "a-token-for-metrics-alone"
WAIT_S = 60
RULES = ("recording.yml", "alerts.yml")


def program(name: str) -> str:
    """Return where a program of Debian's package is."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}: it is in Debian's package prometheus")
    return found


def read(name: str) -> Any:
    return yaml.safe_load((PROMETHEUS / name).read_text(encoding="utf-8"))


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in read("alerts.yml")["groups"][0]["rules"]}


def expressions() -> Iterator[str]:
    """Yield every expression of the dashboard."""
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def test_promtool_finds_no_fault(tmp_path: Path) -> None:
    promtool = program("promtool")
    subprocess.run([promtool, "check", "rules", *(PROMETHEUS / name for name in RULES)], check=True)
    configuration = configured(tmp_path, "127.0.0.1:1")
    subprocess.run([promtool, "check", "config", configuration], check=True)


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.name)
def test_the_alerts_fire_when_they_should_and_not_else(path: Path) -> None:
    done = subprocess.run(
        [program("promtool"), "test", "rules", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tried_in_a_case_where_it_fires_and_in_one_where_it_does_not() -> None:
    fires: dict[bool, set[str]] = {True: set(), False: set()}
    for path in UNIT_TESTS:
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for check in case["alert_rule_test"]:
                fires["exp_alerts" in check].add(check["alertname"])
    assert fires[True] == fires[False] == set(alerts())


def test_each_alert_names_its_section_of_the_runbook() -> None:
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]


def test_the_dashboard_is_provisioned_with_the_source_that_its_panels_name() -> None:
    provisioning = ROOT / "deploy/grafana/provisioning"
    sources = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())
    uids = {source["uid"] for source in sources["datasources"]}
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == uids
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_no_two_panels_of_the_dashboard_lie_on_one_place() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def configured(directory: Path, target: str) -> Path:
    """Write the configuration for a service elsewhere, scraped every second."""
    configuration = read("prometheus.yml")
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (job,) = configuration["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": [target]}]
    (directory / "token").write_text(TOKEN)
    job["authorization"]["credentials_file"] = str(directory / "token")
    for name in configuration["rule_files"]:
        shutil.copy(PROMETHEUS / name, directory / name)
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(configuration))
    return path


@contextmanager
def scraping(directory: Path, target: str) -> Iterator[Client]:
    """Run a Prometheus on a free port; yields a client of it."""
    address = f"127.0.0.1:{free_port()}"
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={configured(directory, target)}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        with Client(base_url=f"http://{address}", timeout=10) as client:
            yield client
    finally:
        process.terminate()
        process.wait(WAIT_S)


def query(prometheus: Client, expression: str) -> list[float]:
    """Return the values that are numbers; none while Prometheus is starting."""
    expression = expression.replace("$__rate_interval", "30s")
    try:
        answer = prometheus.get("/api/v1/query", params={"query": expression})
    except ConnectError:
        return []
    if answer.status_code == 503:
        return []
    assert answer.status_code == 200, f"{expression}: {answer.text}"
    values = [float(series["value"][1]) for series in answer.json()["data"]["result"]]
    return [value for value in values if math.isfinite(value)]


def use(client: Client, name: str) -> None:
    """Do a little of all that the dashboard shows."""
    person = {"username": name, "password": "seven green boats at noon"}
    pair = client.post("/auth/sign-up", json=person).json()
    for _ in range(3):
        for size in (64, 100):
            answer = client.get(
                "/emoticon/",
                params={"username": name, "size": size},
                headers={"Authorization": f"Bearer {pair['access_token']}"},
            )
            assert answer.status_code == 200, answer.text
        pair = client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]}).json()
    assert client.post("/auth/sign-in", data=person).status_code == 200
    wrong = client.post("/auth/sign-in", data={**person, "password": "wrong"})
    assert wrong.status_code == 401


@pytest.fixture
def watched(
    tmp_path: Path, empty_valkey: ValkeyServer, postgres_database: str
) -> Generator[tuple[Client, Client]]:
    """A service of two workers, and a Prometheus that scrapes it."""
    environment = {
        "DATABASE_URL": postgres_database,
        "JWT_SECRET": SECRET,
        "REDIS_URL": empty_valkey.url,
        "EMOTICON_WORKERS": "2",
        "EMOTICON_METRICS_TOKEN": TOKEN,
        "EMOTICON_LIMITS": "off",
    }
    with Service(tmp_path / "data", environment) as service:
        target = service.url.removeprefix("http://")
        directory = tmp_path / "prometheus"
        directory.mkdir()
        with scraping(directory, target) as prometheus, service.client() as client:
            yield client, prometheus


def test_every_expression_of_dashboard_page_and_rules_finds_something(
    watched: tuple[Client, Client],
) -> None:
    service, prometheus = watched
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```promql\n(.*?)```", page, re.DOTALL)
    examples = [line for line in block.splitlines() if not line.startswith("#")]
    recorded = [rule["record"] for rule in read("recording.yml")["groups"][0]["rules"]]
    # What finds something only when something is wrong: each side of its comparison has to.
    sides = [
        side
        for text in (*examples, *(rule["expr"] for rule in alerts().values()))
        for side in re.split(r" (?:==|>|<) | and (?:on \(job\) )?| or ", text)
        if not re.fullmatch(r"[0-9. *]+", side)
    ]
    wanted = [*expressions(), *recorded, *map(without_yesterday, sides)]
    assert len(wanted) > 50
    deadline = time.monotonic() + WAIT_S
    for number in itertools.count():
        # Rates are of what happens between two scrapes, so it goes on happening.
        use(service, f"person-{number}")
        wanted = [expression for expression in wanted if not query(prometheus, expression)]
        if not wanted:
            break
        assert time.monotonic() < deadline, wanted
    groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == len(recorded) + len(alerts())
    assert {rule["health"] for rule in rules} == {"ok"}


def without_yesterday(expression: str) -> str:
    """Return the expression for a server that is seconds old."""
    return re.sub(r"(?:[0-9.]+ \* )?avg_over_time\((.*)\[1d\] offset 1h\)", r"\1", expression)
