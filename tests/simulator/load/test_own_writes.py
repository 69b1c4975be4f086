"""What a user has written and must find again."""

from simulator.load.own_writes import COMMENTS_REMEMBERED, OwnWrites


def test_all_that_a_user_wrote_to_an_own_issue_has_to_be_on_its_page() -> None:
    own = OwnWrites()
    own.created("ZDU-7", "w000001")
    own.edited("ZDU-7", "w000002", confirmed=True)
    own.commented("ZDU-7", "w000003")
    assert own.on("ZDU-7") == ("w000001", "w000002</h1>", "w000003")
    assert own.on("ZDU-8") == ()


def test_the_last_change_counts_and_one_that_was_not_confirmed_leaves_nothing_to_expect() -> None:
    own = OwnWrites()
    own.created("ZDU-7", "w000001")
    own.edited("ZDU-7", "w000002", confirmed=True)
    own.edited("ZDU-7", "w000003", confirmed=True)
    assert "w000003</h1>" in own.on("ZDU-7")
    own.edited("ZDU-7", "w000004", confirmed=False)
    assert own.on("ZDU-7") == ("w000001",)


def test_the_summary_of_an_issue_that_others_change_too_is_not_expected_and_a_comment_on_it_is() -> None:
    own = OwnWrites()
    own.edited("ZDU-1", "w000001", confirmed=True)
    own.commented("ZDU-1", "w000002")
    assert own.on("ZDU-1") == ("w000002",)


def test_only_the_latest_comments_are_looked_for() -> None:
    own = OwnWrites()
    for number in range(COMMENTS_REMEMBERED + 2):
        own.commented("ZDU-1", f"w{number}")
    assert own.on("ZDU-1") == ("w2", "w3", "w4")
