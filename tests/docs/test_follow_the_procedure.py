"""The handbook's files are right; a browser goes through its steps in tests/e2e."""

import pytest
from ruamel.yaml import YAML

from lb.config import BalancerConfig
from node.config import NodeConfig
from node.releases import find_release
from tests.support.handbook import Handbook

HANDBOOK = Handbook()


def loaded(name: str) -> dict[str, object]:
    found: dict[str, object] = YAML(typ="safe", pure=True).load(HANDBOOK.files[name])
    return found


@pytest.mark.parametrize("name", ["node1.yaml", "node2.yaml"])
def test_its_nodes_can_be_started(name: str) -> None:
    config = NodeConfig.model_validate(loaded(name))

    find_release(config.version)
    assert f"zdu node --config {name}" in HANDBOOK.commands
    assert f"zdu db setup --url {config.database.url}" in HANDBOOK.commands


def test_its_load_balancer_knows_both_nodes() -> None:
    config = BalancerConfig.model_validate(loaded("lb.yaml"))
    nodes = [NodeConfig.model_validate(loaded(f"{node.name}.yaml")) for node in config.nodes]

    assert [node.port for node in config.nodes] == [node.port for node in nodes]
    assert f"http://127.0.0.1:{config.port}/" in HANDBOOK.text


@pytest.mark.parametrize("version", ["7.3.0", "7.3.2"])
def test_the_versions_it_names_are_known(version: str) -> None:
    assert f'`version: "{version}"`' in HANDBOOK.text
    find_release(version)
