"""The story step by step, and the pages of each moment."""

from node.web.pages import upgrade_model
from simulator.report.changes import find_changes, node_names
from simulator.report.moments import Moment, Moments, NodeMoment, find_visits
from simulator.report.story import find_steps, story_end_s, tell_story
from simulator.report.upgrade_page import COLOURS, SENTENCES, page_of
from tests.support.evidence import request
from tests.support.synthetic_run import SyntheticRun, passing_run


def told(run: SyntheticRun) -> list[tuple[str, str, str]]:
    chapters = tell_story(
        run.envelopes, node_names(run.envelopes), find_changes(run.envelopes), find_visits(run.requests)
    )
    return [
        (chapter.title, one.step.title, f"{one.page.node}: {one.page.state}" if one.page else "")
        for chapter in chapters
        for one in chapter.steps
    ]


def test_steps_are_numbered_as_they_were_begun() -> None:
    found = find_steps(passing_run().envelopes)
    assert [step.number for step in found] == list(range(1, len(found) + 1))
    assert found[0].title == "Two nodes of Jira 7.3.0, users at work on both"


def test_each_step_has_the_page_as_it_was_when_the_step_was_done_on_a_node_that_could_show_it() -> None:
    assert told(passing_run())[:5] == [
        ("Two nodes of Jira 7.3.0, users at work on both",) * 2 + ("node1: STABLE",),
        ("The nodes are upgraded", "Jira is put into upgrade mode on node 1", "node1: READY_TO_UPGRADE"),
        ("The nodes are upgraded", "The load balancer drains it", "node2: MIXED"),
        ("The nodes are upgraded", "It starts as 7.3.2 and joins again", "node1: MIXED"),
        ("The nodes are upgraded", "The load balancer drains it", "node1: MIXED"),
    ]


def test_a_step_after_which_nothing_is_different_has_no_page_of_its_own() -> None:
    pages = [page for _, _, page in told(passing_run())]
    assert pages[-1] == "" and pages[-2] == "node1: STABLE"


def test_a_record_without_chapters_is_told_in_one() -> None:
    run = passing_run()
    without = [envelope for envelope in run.envelopes if envelope.event.kind != "chapter_started"]
    assert {chapter for chapter, _, _ in told(SyntheticRun(run.result, without, run.requests))} == {""}


def test_the_story_is_over_when_the_load_stops() -> None:
    assert story_end_s(passing_run().envelopes) == 25.4
    assert story_end_s([]) == 0.0


def test_a_moment_has_what_was_the_case_then_and_whom_each_node_served() -> None:
    run = passing_run()
    moments = Moments(node_names(run.envelopes), find_changes(run.envelopes), find_visits(run.requests))
    one, two = moments.at(8.0).nodes
    assert (one.state, one.version, one.balancer, one.out, one.users) == ("down", "", "DOWN", True, 0)
    assert (two.state, two.version, two.balancer, two.out, two.users) == ("RUNNING", "7.3.0", "UP", False, 24)


def test_a_user_is_where_the_last_good_answer_came_from_and_at_no_node_when_shown_the_log_in_page() -> None:
    visits = find_visits(
        [
            request(1, 1.0, "node1"),
            request(2, 2.0, "node2", outcome="http_503"),
            request(3, 3.0, "node2", outcome="login_page"),
            request(4, 4.0, "node2", session="s1.2"),
            request(5, 5.0, "node1", session="probe_new", kind="sign_in"),
        ]
    )
    assert [(visit.t_s, visit.user, visit.node) for visit in visits] == [
        (1.0, "s1", "node1"),
        (3.0, "s1", ""),
        (4.0, "s1", "node2"),
    ]


def test_the_words_of_the_page_are_those_of_the_node() -> None:
    assert {state: upgrade_model._SENTENCES[state] for state in SENTENCES} == SENTENCES
    assert {state: upgrade_model._COLOURS[state] for state in COLOURS} == COLOURS


def test_of_many_nodes_those_that_changed_are_shown_and_the_others_counted() -> None:
    before = Moment(1.0, tuple(NodeMoment(f"node{n}", "RUNNING", "7.3.0", "UP", shows="MIXED") for n in range(1, 51)))
    now = Moment(2.0, (*before.nodes[:49], NodeMoment("node50", "DRAINING", "7.3.0", "UP", shows="MIXED")))
    page = page_of(now, "node1", before)
    assert page is not None
    assert [(row.moment.node, sorted(row.news)) for row in page.rows] == [("node1", []), ("node50", ["state"])]
    assert page.more == 48


def test_no_page_is_shown_while_no_node_shows_one() -> None:
    assert page_of(Moment(0.0, (NodeMoment("node1"),)), "node1", None) is None
