"""Facts about deploy/kubernetes, found without a cluster."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from emoticon.settings import Settings, variable

ROOT = Path(__file__).parent.parent
KUBERNETES = ROOT / "deploy/kubernetes"
NGINX = ROOT / "deploy/nginx"
FILES = sorted(KUBERNETES.rglob("*.yaml"))
KUSTOMIZATIONS = [
    *(file for file in FILES if file.name == "kustomization.yaml"),
    NGINX / "kustomization.yaml",
]
CUSTOM = {"ServiceMonitor"}


def documents(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


RESOURCES = {
    document["kind"]: document
    for file in FILES
    for document in documents(file)
    if document["kind"] not in {"Kustomization", "Component"}
}
POD = RESOURCES["Deployment"]["spec"]["template"]["spec"]
CONTAINERS = {one["name"]: one for one in POD["initContainers"] + POD["containers"]}


@pytest.mark.parametrize("kind", sorted(RESOURCES.keys() - CUSTOM))
def test_every_resource_is_valid(kind: str) -> None:
    kubernetes_validate.validate(RESOURCES[kind], "1.30", strict=True)


def test_the_validator_finds_what_is_wrong() -> None:
    wrong = RESOURCES["Service"] | {"spec": {"port": 80}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.30", strict=True)


@pytest.mark.parametrize("place", ["base", "overlays/example"])
def test_what_kustomize_makes_of_it_is_valid(place: str) -> None:
    program = shutil.which("kubectl") or shutil.which("kustomize")
    if program is None:
        pytest.skip("neither kubectl nor kustomize is on this machine")
    command = [program, "kustomize" if program.endswith("kubectl") else "build", place]
    done = subprocess.run(command, cwd=KUBERNETES, capture_output=True, text=True, check=True)
    made = list(yaml.safe_load_all(done.stdout))
    assert {*RESOURCES} - {one["kind"] for one in made} <= {"Ingress", *CUSTOM}
    for document in made:
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, "1.30", strict=True)


@pytest.mark.parametrize("file", KUSTOMIZATIONS, ids=lambda file: file.parent.name)
def test_every_file_is_part_of_a_kustomization_and_there(file: Path) -> None:
    [found] = documents(file)
    named = [*found.get("resources", []), *found.get("components", [])]
    assert all((file.parent / name).exists() for name in named)
    here = {path.name for path in file.parent.glob("*.yaml")} - {file.name}
    assert here <= {*named}


def test_nginx_gets_exactly_the_files_that_its_configuration_includes() -> None:
    wanted, seen = ["nginx.conf"], []
    while wanted:
        seen.append(name := wanted.pop())
        text = (NGINX / name).read_text(encoding="utf-8")
        wanted += {*re.findall(r"^\s*include ([\w-]+\.conf);", text, re.MULTILINE)} - {
            *seen,
            *wanted,
        }
    [found] = documents(NGINX / "kustomization.yaml")
    assert sorted(found["configMapGenerator"][0]["files"]) == sorted(seen)


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_container_may_more_than_it_needs(name: str) -> None:
    container = CONTAINERS[name]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["securityContext"]["runAsNonRoot"]
    assert not POD["automountServiceAccountToken"]
    assert container["resources"]["limits"]["memory"]


def test_nginx_shares_the_memory_that_the_application_publishes_in() -> None:
    [volume] = [one for one in POD["volumes"] if one["name"] == "edge"]
    assert volume["emptyDir"]["medium"] == "Memory"
    mounts = {
        name: {mount["name"]: mount for mount in container["volumeMounts"]}
        for name, container in CONTAINERS.items()
    }
    path = mounts["app"]["edge"]["mountPath"]
    assert mounts["nginx"]["edge"] == {"name": "edge", "mountPath": path, "readOnly": True}
    assert f"EMOTICON_EDGE_DIR={path}" in literals()
    assert path in "".join(file.read_text(encoding="utf-8") for file in NGINX.glob("*.conf"))


def literals() -> list[str]:
    """Return all settings that are given."""
    return [
        literal
        for file in KUSTOMIZATIONS
        for generator in documents(file)[0].get("configMapGenerator", [])
        for literal in generator.get("literals", [])
    ]


def test_all_that_is_set_is_a_setting_and_no_secret() -> None:
    known = {variable(name) for name in Settings.model_fields}
    given = {literal.partition("=")[0] for literal in literals()}
    assert given <= known
    assert not given & {"JWT_SECRET", "DATABASE_URL", "REDIS_URL", "EMOTICON_METRICS_TOKEN"}


def test_a_pod_that_goes_serves_until_nobody_sends_it_anything() -> None:
    waits_s = {
        name: int(re.findall(r"\d+", container["lifecycle"]["preStop"]["exec"]["command"][-1])[0])
        for name, container in CONTAINERS.items()
        if "lifecycle" in container
    }
    shutdown_s = Settings.model_fields["shutdown_s"].default
    assert 0 < waits_s["nginx"] < waits_s["app"]
    assert waits_s["app"] + shutdown_s < POD["terminationGracePeriodSeconds"]
    assert RESOURCES["Deployment"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_probes_ask_what_they_are_for() -> None:
    app = CONTAINERS["app"]
    assert app["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert app["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_the_number_of_pods_is_the_autoscalers_alone() -> None:
    assert "replicas" not in RESOURCES["Deployment"]["spec"]
    assert RESOURCES["HorizontalPodAutoscaler"]["spec"]["minReplicas"] > 1


def test_all_choose_the_same_pods() -> None:
    labels = RESOURCES["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert RESOURCES["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert RESOURCES["Service"]["spec"]["selector"] == labels
    assert RESOURCES["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert RESOURCES["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert RESOURCES["ServiceMonitor"]["spec"]["selector"]["matchLabels"] == labels
