from simulator.scenario import load, shipped_scenarios
from tools.play_all import Play, busy, plays, table


def test_every_scenario_and_every_twin_is_played_with_each_seed() -> None:
    todo = list(plays(["valiantys", "major-upgrade"], seeds=(1, 2)))

    assert [(play.title, play.seed) for play in todo] == [
        ("valiantys", 1),
        ("valiantys --twin", 1),
        ("major-upgrade", 1),
        ("valiantys", 2),
        ("valiantys --twin", 2),
        ("major-upgrade", 2),
    ]
    assert [play.verdict for play in todo[:2]] == ["pass", "fail"]


def test_the_table_counts_what_ended_as_it_is_meant_to_and_tells_the_rest() -> None:
    good, bad = Play("a", False, 1, "pass", ()), Play("a", False, 2, "pass", ())

    (line,) = table([(good, ""), (bad, "fail (no request failed)")])[1:]

    assert line.split() == ["a", "pass", "1", "of", "2;", "1", "×", "fail", "(no", "request", "failed)"]


def test_at_least_sixteen_scenarios_ship_and_most_of_what_can_fail_has_a_twin() -> None:
    shipped = {name: load(name) for name in shipped_scenarios()}

    assert len(shipped) >= 16
    assert sum(bool(one.twin) for one in shipped.values()) > len(shipped) / 2


def test_for_a_busy_machine_limits_are_only_loosened() -> None:
    assert busy(load("valiantys"))[2:] == ["--expect", "longest outage <= 3s"]
    assert busy(load("one-node-parked"))[2:] == []
