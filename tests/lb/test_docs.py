"""docs/load-balancer.md says what the code does."""

import re
from pathlib import Path

import pytest

from lb.config import BalancerConfig
from lb.health import TRANSITIONS, HealthConfig, Operational, Outcome
from lb.pool import Admin
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
    chosen = {"port": 8080, "admin_port": 8081}
    assert shown.model_fields_set == set(BalancerConfig.model_fields)
    assert shown.drain == defaults.drain
    assert shown.timeouts == defaults.timeouts
    assert shown.health.model_copy(update={"fastinter": None, "downinter": None}) == HealthConfig()
    for name in set(BalancerConfig.model_fields) - set(chosen) - {"health"}:
        assert getattr(shown, name) == getattr(defaults, name), name
    for part in (shown.health, shown.drain, shown.timeouts, *shown.nodes):
        assert part.model_fields_set == set(type(part).model_fields)


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
