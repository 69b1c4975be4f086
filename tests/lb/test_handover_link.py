"""The link between two load balancers, one of which takes the other's place: messages with descriptors."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lb.handover_link import Link, LinkLost, check_folder, connect, listen
from tests.support.waiting import LIMIT_S, until
from zdu.errors import ZduError


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[Link, Link]]:
    one, two = (Link(sock) for sock in socket.socketpair())
    try:
        yield one, two
    finally:
        one.close()
        two.close()


async def test_messages_come_in_their_order_with_their_descriptors() -> None:
    async with linked() as (one, two):
        pairs = [socket.socketpair() for _ in range(3)]
        one.post("first", {"number": 1}, [pairs[0][1].fileno(), pairs[1][1].fileno()])
        one.post("second")
        one.post("third", descriptors=[pairs[2][1].fileno()])
        got = [await two.next(LIMIT_S) for _ in range(3)]
        assert [(message.kind, len(message.sockets)) for message in got] == [
            ("first", 2),
            ("second", 0),
            ("third", 1),
        ]
        for sock, number in zip((*got[0].sockets, *got[2].sockets), range(3), strict=True):
            sock.send(b"%d" % number)
            assert not sock.get_inheritable()
        assert [near.recv(9) for near, _ in pairs] == [b"0", b"1", b"2"]
        for message in got:
            message.close()
        for sock in (sock for pair in pairs for sock in pair):
            sock.close()


async def test_a_message_larger_than_the_sockets_buffer_comes_whole_and_those_after_it_too() -> None:
    async with linked() as (one, two):
        near, far = socket.socketpair()
        one.post("large", {"text": "x" * 5_000_000}, [far.fileno()])
        one.post("small", descriptors=[far.fileno()])
        large, small = await two.next(LIMIT_S), await two.next(LIMIT_S)
        assert (len(large.facts["text"]), len(large.sockets), len(small.sockets)) == (5_000_000, 1, 1)
        for each in (large, small, near, far):
            each.close()


async def test_a_link_whose_other_end_is_gone_says_so_and_closes_what_nobody_took() -> None:
    async with linked() as (one, two):
        near, far = socket.socketpair()
        one.post("hello", descriptors=[far.fileno()])
        far.close()
        one.close()
        await until(lambda: two.lost, "it is noticed")
        two.close()
        assert near.recv(1) == b"", "no copy of its other end is left"
        near.close()
        with pytest.raises(LinkLost, match="gone"):
            await two.next(LIMIT_S)
        with pytest.raises(LinkLost, match="gone"):
            two.post("hello")


async def test_a_descriptor_that_is_no_socket_ends_the_link() -> None:
    async with linked() as (one, two):
        read, write = os.pipe()
        one.post("hello", descriptors=[write])
        os.close(write)
        await two.next(LIMIT_S)
        with pytest.raises(LinkLost):
            await two.next(LIMIT_S)
        two.close()
        assert os.read(read, 1) == b""
        os.close(read)


@pytest.mark.parametrize(
    "garbage",
    [b"\xff" * 64, b"\0\0\0\2\0\0\0\0[]", b"\0\0\0\2\0\0\0\0{}", b"\0\0\0\2\0\0\0\0{{", b"GET / HTTP/1.1\r\n"],
)
async def test_what_is_not_our_language_ends_the_link(garbage: bytes) -> None:
    near, far = socket.socketpair()
    link = Link(near)
    far.send(garbage)
    with pytest.raises(LinkLost):
        await link.next(LIMIT_S)
    link.close()
    far.close()


async def test_silence_ends_it_too() -> None:
    async with linked() as (one, _):
        with pytest.raises(LinkLost, match=r"said nothing for 0\.01 s"):
            await one.next(0.01)


async def test_the_socket_is_for_its_owner_alone_and_replaces_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "lb.sock"
    first = listen(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with listen(path) as second:
        link = await connect(path, LIMIT_S)
        accepted, _ = second.accept()
        accepted.close()
        link.close()
    first.close()
    assert names(tmp_path) == ["lb.sock"]


async def test_what_is_not_a_socket_of_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "important.txt"
    path.write_text("important")
    with pytest.raises(ZduError, match="no socket of ours"):
        listen(path)
    assert path.read_text() == "important"


def test_a_folder_in_which_others_could_replace_the_socket_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    inner = folder / "inner"
    inner.mkdir(parents=True)
    check_folder(inner / "lb.sock")
    folder.chmod(0o777)
    with pytest.raises(ZduError, match=f"other users could replace what is in {folder}"):
        check_folder(inner / "lb.sock")
    folder.chmod(0o1777)  # as /tmp: others cannot replace what is ours
    check_folder(inner / "lb.sock")
    with pytest.raises(ZduError, match="there is no folder"):
        check_folder(tmp_path / "nowhere" / "lb.sock")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder another user's")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(ZduError, match="other users could replace"):
        check_folder(folder / "lb.sock")
