"""docs/load-balancer.md says what the code does."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from lb.admin.site import AdminSite
from lb.cli import lb as lb_command
from lb.config import Balance, BalancerConfig, HealthConfig, NodeAddress, StickyMode
from lb.health import TRANSITIONS, Operational, Outcome
from lb.pool import Admin
from lb.stickiness import CookieAction, CookieState
from lb.telemetry.figures import ClientConnections, Figures, NodeFigures
from lb.telemetry.meters import Meter, Meters
from lb.telemetry.metrics import render
from lb.telemetry.stats_csv import OWN_COLUMNS
from tests.support.balancers import running_balancer
from tests.support.http_nodes import HttpNode
from zdu.config_file import parse_config

TEXT = (Path(__file__).parents[2] / "docs" / "load-balancer.md").read_text(encoding="utf-8")
EXAMPLES = {
    found[1]: found[0] for found in re.findall(r"```yaml\n(# example: ([\w-]+)\n.*?)```", TEXT, flags=re.DOTALL)
}


def example(name: str) -> BalancerConfig:
    return parse_config(EXAMPLES[name], name, BalancerConfig)


def test_every_example_is_a_right_configuration() -> None:
    assert set(EXAMPLES) == {"any-two-servers", "all-settings"}
    for name in EXAMPLES:
        assert [node.name for node in example(name).nodes] == ["node1", "node2"]


def test_the_example_with_all_settings_names_every_one_with_its_default() -> None:
    shown = example("all-settings")
    defaults = BalancerConfig(nodes=shown.nodes)
    chosen = {"port", "admin_port", "health"}
    assert shown.health.model_copy(update={"fastinter": None, "downinter": None}) == HealthConfig()
    for name in set(BalancerConfig.model_fields) - chosen:
        assert getattr(shown, name) == getattr(defaults, name), name
    for node in shown.nodes:
        assert node == NodeAddress(name=node.name, port=node.port)
    parts = [getattr(shown, name) for name in BalancerConfig.model_fields]
    for part in [shown, *shown.nodes, *(part for part in parts if isinstance(part, BaseModel))]:
        assert part.model_fields_set == set(type(part).model_fields), type(part).__name__


def test_every_mode_and_algorithm_is_named() -> None:
    for word in (*StickyMode, *Balance):
        assert re.search(rf"(`|\b){word}(`|\b)", TEXT)


async def test_the_admin_ports_table_names_every_route_and_no_other() -> None:
    async with HttpNode() as node, running_balancer(node, up=False) as lb:
        resources = AdminSite(lb.balancer, lb.server.telemetry).application().router.resources()
        real = {
            f"{route.method} {resource.canonical.replace('{name}', 'NAME').replace('{request_id}', 'REQUEST_ID')}"
            for resource in resources
            for route in resource
            if route.method != "HEAD" and not resource.canonical.startswith("/static")
        }
    rows = re.findall(r"^\|(.*?)\|", section("The admin port"), flags=re.MULTILINE)
    named = {words.split("?")[0] for row in rows for words in re.findall(r"`((?:GET|POST) [^`]*)`", row)}
    assert named == real


def section(title: str) -> str:
    return re.split(r"^#+ ", TEXT.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_every_command_in_the_table_is_one_with_those_options() -> None:
    commands = re.findall(r"^\| `zdu lb (\w+)([^`]*)`", section("On the command line"), flags=re.MULTILINE)
    assert {name for name, _ in commands} == set(lb_command.commands)
    for name, rest in commands:
        options = {option for parameter in lb_command.commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--\w+", rest)) <= options


def test_every_metric_that_is_named_is_there_with_those_labels() -> None:
    known: dict[str, Any] = {"meter": Meter(), "name": "node1", "drain": None}
    node = NodeFigures(**dict.fromkeys(NodeFigures.__slots__, 0) | known)
    meters = Meters(["node1"])
    for meter in (node.meter, meters.no_node):
        meter.own["reason"] = 1
    facts: dict[str, Any] = {"meters": meters, "clients": ClientConnections(), "nodes": (node,), "version": "1"}
    figures = Figures(**dict.fromkeys(Figures.__slots__, 0) | facts)
    text = render(figures).decode()
    named = re.findall(r"`(zdu_lb_\w+)(?:\{([\w,]+)\})?`", section("Statistics and metrics"))
    assert len(named) > 20
    for name, labels in named:
        [line, *_] = re.findall(rf"^{name}(?:_bucket)?(?:\{{.*)? .*$", text, flags=re.MULTILINE) or [""]
        assert line, name
        for label in filter(None, labels.split(",")):
            assert f'{label}="' in line


def test_the_columns_of_our_own_are_named() -> None:
    assert ", ".join(f"`{name}`" for name in OWN_COLUMNS) in " ".join(section("Statistics and metrics").split())


def test_every_character_of_the_termination_code_is_named() -> None:
    table = section("The access log")
    for letter in CookieState:
        assert f"`{letter}`" in table
    for action in CookieAction:
        assert f"`{action}`" in table


def test_the_state_tables_name_every_state() -> None:
    rows = re.findall(r"^\| (\w+) \|", TEXT, flags=re.MULTILINE)
    assert set(Operational) <= set(rows)
    assert set(Admin) <= set(rows)
    assert {state for state, _ in TRANSITIONS} == set(Operational)
    assert set(Outcome) == {outcome for _, outcome in TRANSITIONS}


@pytest.mark.parametrize("word", ["X-LB-Error", "X-LB-Attempts", "Proxy-Status", "Retry-After", "first_seq"])
def test_words_of_the_wire_that_it_mentions_are_in_the_code(word: str) -> None:
    folder = Path(__file__).parents[2] / "lb"
    assert word in TEXT
    assert any(word in path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
