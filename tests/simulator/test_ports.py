"""A reserved port belongs to the run, whether or not its node listens just now."""

import socket

import pytest

from simulator.ports import ReservedPort
from zdu.errors import UsageError


def listen_on(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def test_a_node_can_listen_on_the_port_reserved_for_it_again_and_again() -> None:
    with ReservedPort() as reserved:
        for _ in range(3):
            listen_on(reserved.port).close()


def test_the_system_gives_a_reserved_port_to_nobody_else() -> None:
    with ReservedPort() as reserved:
        for _ in range(2000):
            with ReservedPort() as other:
                assert other.port != reserved.port


def test_a_port_on_which_somebody_listens_is_refused_in_words() -> None:
    with listen_on(0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} on 127.0.0.1 cannot be used"):
            ReservedPort(port=port)
