"""compose.yaml and the Kubernetes manifests, as far as they go without Docker and a cluster."""

from __future__ import annotations

import os
import re
import runpy
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from django.urls import resolve

from tests.ops.dockerfile import instructions
from tests.ops.production import PRODUCTION, ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
SECRET = {"SECRET_KEY", "DATABASE_URL", "EMAIL_URL"}
ENTRY = (ROOT / "deploy" / "entry").read_text("utf-8")
NGINX = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")


def manifests() -> dict[tuple[str, str], Any]:
    """Return all manifests by kind and name."""
    found = {}
    for path in FOLDER.rglob("*.yaml"):
        for each in yaml.safe_load_all(path.read_text("utf-8")):
            name = each.get("metadata", {}).get("name", path.parent.name)
            found[each["kind"], name] = each
    return found


def pods() -> list[Any]:
    """Return the description of the pods of everything that makes some."""
    made = manifests()
    return [
        made["Deployment", "portal"]["spec"]["template"]["spec"],
        made["Job", "migrate"]["spec"]["template"]["spec"],
        made["CronJob", "prune"]["spec"]["jobTemplate"]["spec"]["template"]["spec"],
        made["CronJob", "judge"]["spec"]["jobTemplate"]["spec"]["template"]["spec"],
        made["Deployment", "worker"]["spec"]["template"]["spec"],
    ]


def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))


def kill_timeout_s() -> int:
    """Return how long running requests have to end, by the image's own command."""
    found = re.search(r"--workers-kill-timeout (\d+)", ENTRY)
    assert found
    return int(found[1])


def image() -> dict[str, str]:
    """Return the instructions of the image that are there once."""
    return dict(instructions(1))


# --- Kubernetes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", [FOLDER, FOLDER / "migrate"], ids=["all", "migrate"])
def test_each_kustomization_has_all_manifests_of_its_folder(folder: Path) -> None:
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["resources"]
    there = [path.name for path in folder.glob("*.yaml") if path.name != "kustomization.yaml"]
    assert sorted(listed) == sorted(there)


def test_both_kustomizations_have_the_same_image() -> None:
    made = manifests()
    one, other = (made["Kustomization", name]["images"] for name in ("kubernetes", "migrate"))
    assert one == other
    assert {box["image"] for pod in pods() for box in pod["containers"]} == {one[0]["name"]}


@pytest.mark.parametrize("pod", pods(), ids=["portal", "migrate", "prune", "judge", "worker"])
def test_pods_run_as_the_user_of_the_image_and_may_write_to_tmp_only(pod: Any) -> None:
    rights = pod["securityContext"]
    assert image()["USER"] == f"{rights['runAsUser']}:{rights['runAsGroup']}"
    assert rights["runAsNonRoot"]
    (box,) = pod["containers"]
    assert box["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [each["mountPath"] for each in box["volumeMounts"]] == ["/tmp"]  # noqa: S108 - in the pod
    assert not pod["automountServiceAccountToken"]


@pytest.mark.parametrize("pod", pods(), ids=["portal", "migrate", "prune", "judge", "worker"])
def test_pods_do_what_the_image_can_do(pod: Any) -> None:
    (word,) = pod["containers"][0]["args"]
    assert f"\n{word})" in ENTRY or word in get_commands()


@pytest.mark.parametrize(
    ("probe", "view"),
    [("startupProbe", "readyz"), ("readinessProbe", "healthz"), ("livenessProbe", "healthz")],
)
def test_probes_ask_what_is_there(probe: str, view: str) -> None:
    (box,) = pods()[0]["containers"]
    asked = box[probe]["httpGet"]
    assert resolve(asked["path"]).url_name == view
    assert {port["name"]: str(port["containerPort"]) for port in box["ports"]} == {
        asked["port"]: image()["EXPOSE"]
    }


def test_a_pod_has_the_time_that_it_takes_to_end() -> None:
    pod = pods()[0]
    command = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert command == ["sleep", "5"]
    assert pod["terminationGracePeriodSeconds"] > int(command[1]) + kill_timeout_s()


def test_service_and_disruption_budget_mean_the_pods_of_the_portal() -> None:
    made = manifests()
    spec = made["Deployment", "portal"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels
    assert made["Service", "portal"]["spec"]["selector"] == labels
    budget = made["PodDisruptionBudget", "portal"]["spec"]
    assert budget["selector"]["matchLabels"] == labels
    assert budget["minAvailable"] < spec["replicas"]


def test_the_settings_with_the_secret_ones_are_all_that_production_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = manifests()["ConfigMap", "portal-settings"]["data"]
    assert set(PRODUCTION) <= set(given) | SECRET
    assert not SECRET & set(given)
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "portal/settings.py").read_text()))
    assert set(given) <= read
    monkeypatch.setattr(os, "environ", given | {name: PRODUCTION[name] for name in SECRET})
    settings = runpy.run_path(str(ROOT / "portal" / "settings.py"))
    assert settings["PUBLIC_URL"] == given["PUBLIC_URL"]


def test_the_secret_is_made_as_operations_say() -> None:
    told = (ROOT / "docs" / "operations.md").read_text("utf-8")
    name = pods()[0]["containers"][0]["envFrom"][1]["secretRef"]["name"]
    shown, _, _ = told.partition(f"create secret generic {name} --from-env-file=secrets.env")
    assert set(re.findall(r"(?m)^(\w+)=", shown.rpartition("write `secrets.env`")[2])) == SECRET


def test_a_worker_runs_in_compose_and_on_kubernetes() -> None:
    assert pods()[-1]["containers"][0]["args"] == [compose()["services"]["worker"]["command"]]


# --- Docker Compose and nginx --------------------------------------------------------------------


def test_compose_needs_the_variables_of_the_example_and_no_others() -> None:
    text = (ROOT / "compose.yaml").read_text("utf-8")
    example = (ROOT / ".env.example").read_text("utf-8")
    needed = set(re.findall(r"\$\{(\w+):\?", text))
    assert needed == set(re.findall(r"(?m)^(\w+)=$", example))
    assert dict(re.findall(r"(?m)^(\w+)=(.+)$", example)) == {
        "TRUST_FORWARDED_PROTO": "true",
        "TRUSTED_PROXY_COUNT": "1",
    }


def test_only_nginx_has_ports_that_the_outside_reaches() -> None:
    published = {name for name, each in compose()["services"].items() if "ports" in each}
    assert published == {"nginx"}
    ports = manifests()["Service", "portal"]["spec"]["ports"]
    assert [port["targetPort"] for port in ports] == ["http"]


def test_nginx_sends_requests_to_all_portals_of_compose() -> None:
    serving = {
        name for name, each in compose()["services"].items() if "serve" in each.get("command", [])
    }
    upstreams = re.findall(r"(?s)upstream portal\w* \{(.*?)\}", NGINX)
    assert len(upstreams) == 2
    for upstream in upstreams:
        assert set(re.findall(r"server ([\w-]+):(\d+)", upstream)) == {
            (name, image()["EXPOSE"]) for name in serving
        }


def test_compose_fills_in_all_that_nginx_conf_leaves_open() -> None:
    nginx = compose()["services"]["nginx"]
    left = set(re.findall(r"\$\{(\w+)\}", NGINX))
    assert left <= set(nginx["environment"])
    replaced = re.compile(nginx["environment"]["NGINX_ENVSUBST_FILTER"])
    assert {name for name in nginx["environment"] if replaced.search(name)} == left
    inside = [each.split(":")[1] for each in nginx["volumes"]]
    for path in re.findall(r"(?:ssl_certificate(?:_key)?|proxy_cache_path) (/[\w/.]+)", NGINX):
        assert any(path.startswith(each) for each in inside), path
    for each in nginx["volumes"]:
        source = each.split(":")[0]
        assert source in {"cache", "./tls"} or (ROOT / source).is_file()


def test_compose_gives_the_portals_addresses_that_stay_and_that_nginx_knows() -> None:
    given = compose()
    addresses = {
        name: each["networks"]["default"]["ipv4_address"]
        for name, each in given["services"].items()
        if "serve" in each.get("command", [])
    }
    known = given["services"]["nginx"]["extra_hosts"]
    assert dict(each.split(":", 1) for each in known) == addresses
    assert len(set(addresses.values())) == 2

    def filled_in(text: str) -> str:
        return re.sub(r"\$\{NETWORK:-([\d.]+)\}", r"\1", text)

    (network,) = given["networks"]["default"]["ipam"]["config"]
    stay = [
        each["networks"]["default"] for each in given["services"].values() if "networks" in each
    ]
    assert len({each["mac_address"] for each in stay}) == len(stay) == 3
    for each in [each["ipv4_address"] for each in stay]:
        address = ip_address(filled_in(each))
        assert address in ip_network(filled_in(network["subnet"]))
        # Nobody else is given it while its portal is gone.
        assert address not in ip_network(filled_in(network["ip_range"]))


def test_compose_gives_a_portal_the_time_that_it_takes_to_end() -> None:
    grace = compose()["services"]["portal-1"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > kill_timeout_s()
