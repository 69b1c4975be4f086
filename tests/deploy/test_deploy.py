"""The files in deploy/ are judged by the schemas of those who read them, and what is ours in them by our own code."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema
import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from lb.config import BalancerConfig
from node.config import NodeConfig
from zdu.cli import zdu
from zdu.config_file import load_config, parse_config

DEPLOY = Path(__file__).parents[2] / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
KUBERNETES = "1.31"


def documents(path: Path) -> list[dict[str, Any]]:
    return list(YAML(typ="safe", pure=True).load_all(path.read_text(encoding="utf-8")))


def all_of_kubernetes() -> Iterator[dict[str, Any]]:
    for path in MANIFESTS:
        yield from documents(path)


def compose() -> dict[str, Any]:
    (document,) = documents(DEPLOY / "compose.yaml")
    return document


def of_kind(kind: str, name: str) -> dict[str, Any]:
    (found,) = (it for it in all_of_kubernetes() if (it["kind"], it["metadata"]["name"]) == (kind, name))
    return found


def pods() -> dict[str, dict[str, Any]]:
    """The pod templates, by the name of what owns them."""
    return {
        it["metadata"]["name"]: it["spec"]["template"]
        for it in all_of_kubernetes()
        if "template" in it.get("spec", {})
    }


def our_containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in pods().items():
        for container in pod["spec"]["containers"]:
            if container["image"] == "zdu":
                yield name, container


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_every_manifest_is_valid_kubernetes(path: Path) -> None:
    for document in documents(path):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_a_manifest_with_a_mistake_is_not() -> None:
    document = of_kind("StatefulSet", "zdu-node")
    document["spec"]["replicaz"] = 3

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_the_compose_file_is_valid_by_the_compose_specification() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text(encoding="utf-8"))

    jsonschema.Draft7Validator(schema).validate(compose())


def resolves(words: list[str]) -> None:
    """Parse a command line as zdu does, and run nothing."""
    command: click.Command = zdu
    context = click.Context(zdu, info_name="zdu")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        below = command.get_command(context, words[0])
        assert below is not None, words
        command, words = below, words[1:]
    command.make_context("zdu", list(words), resilient_parsing=False)


@pytest.fixture
def a_database_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZDU_DATABASE_URL", "sqlite+aiosqlite:////tmp/none.db")


@pytest.mark.usefixtures("a_database_in_the_environment")
def test_every_command_in_them_is_one_of_zdus() -> None:
    commands = [container["args"] for _, container in our_containers()]
    commands += [service["command"] for service in compose()["services"].values() if service["image"] == "zdu"]

    assert len(commands) == 3 + 5
    for command in commands:
        resolves([word.replace("${NODE_VERSION:-7.3.0}", "7.3.0") for word in command])


def environment(container: dict[str, Any], pod: str) -> dict[str, str]:
    secret = of_kind("Secret", "zdu")["stringData"]
    found = {}
    for entry in container["env"]:
        where = entry.get("valueFrom", {})
        found[entry["name"]] = entry.get("value") or (
            secret[where["secretKeyRef"]["key"]] if "secretKeyRef" in where else pod
        )
    return found


def test_in_kubernetes_every_node_reads_its_own_configuration() -> None:
    text = of_kind("ConfigMap", "zdu")["data"]["node.yaml"]
    (node,) = (container for owner, container in our_containers() if owner == "zdu-node")

    config = parse_config(text, "node.yaml", NodeConfig, environment=environment(node, "zdu-node-1"))

    assert (config.node_id, config.version, config.host) == ("zdu-node-1", "7.3.0", "0.0.0.0")
    assert config.database.url == "postgresql+asyncpg://zdu:rehearsal@zdu-database:5432/zdu"
    assert config.stop_deadline < pods()["zdu-node"]["spec"]["terminationGracePeriodSeconds"]
    assert config.port == node["ports"][0]["containerPort"]


def test_in_kubernetes_the_load_balancer_knows_every_pod_by_its_name() -> None:
    text = of_kind("ConfigMap", "zdu")["data"]["lb.yaml"]
    (container,) = (container for owner, container in our_containers() if owner == "zdu-lb")

    config = parse_config(text, "lb.yaml", BalancerConfig, environment=environment(container, "zdu-lb"))

    nodes = of_kind("StatefulSet", "zdu-node")["spec"]
    names = [f"zdu-node-{number}" for number in range(nodes["replicas"])]
    assert [(node.name, node.host) for node in config.nodes] == [
        (name, f"{name}.{nodes['serviceName']}") for name in names
    ]
    assert {port["containerPort"] for port in container["ports"]} == {config.port, config.admin_port}


def test_in_kubernetes_a_node_is_upgraded_when_somebody_decides_and_one_at_a_time() -> None:
    nodes = of_kind("StatefulSet", "zdu-node")["spec"]
    budget = of_kind("PodDisruptionBudget", "zdu-node")["spec"]

    assert nodes["updateStrategy"] == {"type": "OnDelete"}
    assert nodes["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert budget == {"maxUnavailable": 1, "selector": {"matchLabels": nodes["template"]["metadata"]["labels"]}}


def test_under_compose_every_node_and_the_load_balancer_read_their_configuration() -> None:
    services = compose()["services"]
    nodes = {name: service for name, service in services.items() if name.startswith("node")}
    for name, service in nodes.items():
        known = service["environment"] | {"NODE_VERSION": "7.3.0"}
        config = load_config(DEPLOY / "node.yaml", NodeConfig, environment=known)
        assert config.node_id == name
    token = {"ZDU_LB_TOKEN": "rehearsal-only-token"}
    balancer = load_config(DEPLOY / "lb.yaml", BalancerConfig, environment=token)
    assert [node.host for node in balancer.nodes] == sorted(nodes)


def test_the_image_has_what_the_containers_start_and_no_user_with_rights() -> None:
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()

    assert 'ENTRYPOINT ["zdu"]' in lines
    assert "USER 10001" in lines
    assert pods()["zdu-node"]["spec"]["securityContext"]["fsGroup"] == 10001
