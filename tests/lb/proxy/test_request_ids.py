"""Identifiers of requests."""

from lb.proxy.context import RequestIds


def test_an_identifier_is_the_prefix_and_the_next_number_in_eight_digits() -> None:
    ids = RequestIds("p")
    assert [ids.next() for _ in range(70_000)] == [f"p{number:08x}" for number in range(1, 70_001)]
