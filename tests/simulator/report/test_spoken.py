from simulator.report.drawing import draw
from simulator.report.picture import picture_of
from simulator.report.spoken import picture_in_words
from tests.support.synthetic_run import SyntheticRun, failing_run, passing_run
from zdu.events import Envelope, FaultApplied, FaultFired, FaultReset


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


def test_faults_are_told_and_drawn_with_when_they_took_effect() -> None:
    run = passing_run()
    faults = (
        (6.0, FaultApplied(1, "net.latency", "node2", {})),
        (6.4, FaultFired(1, "net.latency", "node2", 1)),
        (8.0, FaultReset(1, "net.latency", "node2", 30)),
        (9.0, FaultApplied(2, "lb.restart", "", {})),
    )
    envelopes = [*run.envelopes, *(Envelope(10_000 + i, t_s, 0, event) for i, (t_s, event) in enumerate(faults))]
    picture = picture_of(run.result, envelopes, run.requests, end_s=26.0)

    words = picture_in_words(picture)
    assert "Fault: net.latency on node2 was on from 6.00 s to 8.00 s; it first took effect at 6.40 s." in words
    assert "Fault: lb.restart was on from 9.00 s to the end; it never took effect." in words

    shapes = draw(picture).shapes
    assert [shape.css for shape in shapes if shape.css.startswith("fault")] == ["fault-on", "fault", "fault-on"]
    assert [shape.text for shape in shapes if "effect" in shape.text] == ["(no effect)"]
    assert not [
        shape
        for shape in draw(picture_of(run.result, run.envelopes, run.requests, end_s=26.0)).shapes
        if shape.css.startswith("fault")
    ]
