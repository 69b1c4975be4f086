from node.due import Due, next_due_s


def test_what_is_due_now_and_then_is_due_at_once_and_again_after_its_time() -> None:
    due = Due(5.0)

    assert [due.is_due(now) for now in (100.0, 101.0, 104.9, 105.0, 106.0, 120.0, 124.0)] == [
        True,
        False,
        False,
        True,
        False,
        True,
        False,
    ]


def test_the_next_time_counts_from_when_it_was_due_and_leaves_out_what_was_missed() -> None:
    assert next_due_s(100.0, 1.0, now=100.25) == 101.0
    assert next_due_s(100.0, 1.0, now=103.5) == 103.5
