from simulator.report.picture import picture_of
from simulator.report.spoken import picture_in_words
from tests.support.synthetic_run import SyntheticRun, failing_run, passing_run


def words_of(run: SyntheticRun) -> str:
    return "\n".join(picture_in_words(picture_of(run.result, run.envelopes, run.requests, end_s=26.0)))


def test_everything_in_the_picture_is_told_in_words() -> None:
    words = words_of(failing_run())
    for part in (
        "The cluster: STABLE from 1.6 s, READY TO UPGRADE from 5.5 s, MIXED from 7.9 s,",
        "node1: STARTING from 0.5 s, RUNNING from 1.5 s, DRAINING from 5.6 s,",
        "version 7.3.0 from 0.4 s, 7.3.2 from 8.7 s; for the load balancer UP from 1.9 s,",
        "out 6.5 s to 10.9 s.",
        "12 moves of sessions from node1 to node2, between",
        " failed requests, between 7.",
        "Outage: 7.10 s to 7.70 s, 600 ms: probes on new connections got server_error.",
        "requests a second.",
        "The 99th percentile of latency was highest from",
    ):
        assert part in words


def test_a_run_without_a_failure_says_so() -> None:
    assert "No request failed." in words_of(passing_run())


def test_a_run_that_left_nothing_has_little_to_tell() -> None:
    assert words_of(SyntheticRun({}, [], [])) == "No request failed."
