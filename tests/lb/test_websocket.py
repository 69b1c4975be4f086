"""Frame boundaries are found wherever the bytes are cut, and close frames are what RFC 6455 says."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lb.websocket import FrameTracker, close_frame

SIZES = st.one_of(st.integers(0, 130), st.sampled_from([125, 126, 127, 65_535, 65_536, 70_000]))
MASKS = st.one_of(st.just(b""), st.binary(min_size=4, max_size=4))


def frame(payload: bytes, mask: bytes = b"", *, first: int = 0x82, long_form: int = 0) -> bytes:
    """A frame as RFC 6455 5.2 draws it; ``long_form`` writes the length in 16 or 64 bits whatever it is."""
    size = len(payload)
    masked = 0x80 if mask else 0
    bits = max(long_form, 64 if size > 65_535 else 16 if size > 125 else 0)
    short = {0: size, 16: 126, 64: 127}[bits]
    length = size.to_bytes(bits // 8, "big") if bits else b""
    payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload)) if mask else payload
    return bytes([first, masked | short]) + length + mask + payload


FRAMES = st.builds(
    frame,
    payload=SIZES.map(bytes),
    mask=MASKS,
    first=st.integers(0, 255),
    long_form=st.sampled_from([0, 16, 64]),
)


@given(frames=st.lists(FRAMES, max_size=5), cuts=st.lists(st.integers(0, 80_000), max_size=8))
@example(frames=[frame(bytes(70_000), b"mask"), frame(b"")], cuts=[1, 2, 9, 10, 13, 14])
def test_it_is_at_a_boundary_exactly_where_a_frame_ends(frames: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frames)
    ends = {0, *accumulate(map(len, frames))}
    tracker = FrameTracker()
    places = sorted({*(cut for cut in cuts if cut <= len(stream)), *ends})
    for start, end in pairwise(places):
        tracker.feed(stream[start:end])
        assert tracker.at_boundary == (end in ends)
    whole = FrameTracker()
    whole.feed(stream)
    assert whole.at_boundary


@given(frames=st.lists(st.builds(frame, st.binary(max_size=200), MASKS), max_size=6))
def test_byte_for_byte_it_knows_every_boundary(frames: list[bytes]) -> None:
    ends = {0, *accumulate(map(len, frames))}
    tracker = FrameTracker()
    for place, byte in enumerate(b"".join(frames)):
        assert tracker.at_boundary == (place in ends)
        tracker.feed(bytes([byte]))
        tracker.feed(b"")
    assert tracker.at_boundary


@given(
    frames=st.lists(st.builds(frame, st.binary(max_size=300), MASKS), min_size=1, max_size=5), size=st.integers(1, 64)
)
def test_pieces_of_any_size_give_the_same_answer(frames: list[bytes], size: int) -> None:
    stream = b"".join(frames)
    ends = {0, *accumulate(map(len, frames))}
    tracker = FrameTracker()
    for start in range(0, len(stream), size):
        tracker.feed(stream[start : start + size])
        assert tracker.at_boundary == (min(start + size, len(stream)) in ends)


def test_a_fragmented_message_has_boundaries_between_its_fragments() -> None:
    tracker = FrameTracker()
    for fragment in (frame(b"Hel", first=0x01), frame(b"ping", first=0x89), frame(b"lo", first=0x80)):
        tracker.feed(fragment)
        assert tracker.at_boundary


def test_what_an_endless_frame_makes_it_keep_is_nothing() -> None:
    tracker = FrameTracker()
    tracker.feed(b"\x82\x7f" + (2**63 - 1).to_bytes(8, "big"))
    for _ in range(1000):
        tracker.feed(bytes(65_536))
    assert not tracker.at_boundary
    assert tracker._header == b""


def test_a_close_frame_says_going_away_unmasked_to_a_client_and_masked_to_a_node() -> None:
    assert close_frame(1001) == close_frame() == frame((1001).to_bytes(2, "big"), first=0x88) == b"\x88\x02\x03\xe9"
    masked = close_frame(1001, mask=b"\x01\x02\x03\x04")
    assert masked == frame((1001).to_bytes(2, "big"), b"\x01\x02\x03\x04", first=0x88)
    tracker = FrameTracker()
    tracker.feed(masked)
    assert tracker.at_boundary


@pytest.mark.parametrize(
    ("code", "mask"), [(1001, b"abc"), (1001, b"abcde"), (1005, b""), (1006, b""), (999, b""), (70_000, b"")]
)
def test_what_is_no_close_frame_is_refused(code: int, mask: bytes) -> None:
    with pytest.raises(ValueError, match=r"mask|code"):
        close_frame(code, mask)
