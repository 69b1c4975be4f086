"""The roles that the parts of the data path play to each other: what each is told, and by whom.

An exchange stands between its client's connection and a connection to a node. It *waits* for the latter, *asks* it,
and serves the former; a tunnel takes its place when both sides have switched to another protocol.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from lb.http.response import ResponseHead
from lb.proxy.forward import Peer
from lb.retry import Failure
from lb.telemetry.record import RequestRecord

if TYPE_CHECKING:
    from lb.proxy.client_connection import ClientConnection
    from lb.proxy.node_connection import NodeConnection
    from lb.proxy.tunnel import Tunnel


class ClientOwner(Protocol):
    """Who keeps all clients' connections: the data path."""

    def welcome(self, connection: "ClientConnection", transport: asyncio.Transport) -> Peer | None:
        """Who this is; None if there are too many connections already."""
        ...

    def lost(self, connection: "ClientConnection") -> None:
        """The connection is no more."""
        ...


class Waiter(Protocol):
    """Whoever waits for a new connection: the exchange."""

    def connected(self, connection: "NodeConnection", *, reused: bool) -> None:
        """Here it is."""
        ...

    def unreachable(self, failure: Failure, detail: str) -> None:
        """There is none."""
        ...


class Asker(Protocol):
    """Whoever sent a request on a connection: the exchange."""

    def respond(self, response: ResponseHead, pieces: Sequence[bytes], *, complete: bool) -> None:
        """The response's head is here, with what of its body came with it."""
        ...

    def interim(self, response: ResponseHead) -> None:
        """An informational response came; more is to follow."""
        ...

    def switched(self, response: ResponseHead, rest: bytes) -> None:
        """The node switched protocols, as it was asked to; ``rest`` is the first of the new one."""
        ...

    def more(self, pieces: Sequence[bytes], *, complete: bool, trailers: Sequence[bytes] = ()) -> None:
        """More of the response's body."""
        ...

    def tunnelled(self, data: bytes) -> None:
        """Bytes of the protocol switched to."""
        ...

    def tunnel_ended(self) -> None:
        """The node has sent its last byte of the protocol switched to."""
        ...

    def node_failed(self, failure: Failure, detail: str) -> None:
        """There will be no response, or no more of it."""
        ...

    def upload_blocked(self, *, blocked: bool) -> None:
        """The node takes no more of the request for now, or takes it again."""
        ...


class TunnelClient(Protocol):
    """The client's end."""

    def write(self, data: bytes) -> None:
        """Send."""
        ...

    def write_eof(self) -> None:
        """Send no more."""
        ...

    def close(self) -> None:
        """Close after what was written has left."""
        ...

    def abort(self) -> None:
        """Drop at once."""
        ...

    def pause(self) -> None:
        """Read no more."""
        ...

    def resume(self) -> None:
        """Read again."""
        ...

    def start_tunnel(self, tunnel: "Tunnel") -> None:
        """From here on give everything to the tunnel."""
        ...


class Client(TunnelClient, Protocol):
    """The client's side of an exchange."""

    peer: Peer

    def exchange_over(self, now_s: float, *, keep_alive: bool, upload_complete: bool) -> None:
        """The response is sent; the connection may be used for another request, or ends."""
        ...

    def pause_upload(self) -> None:
        """Read no more of the request for now."""
        ...

    def resume_upload(self) -> None:
        """Read the request again."""
        ...

    def await_upload(self) -> None:
        """The client was told to go on: from now on it is to blame if its request's body does not come."""
        ...


class TunnelOwner(Protocol):
    """Who made it and wants to know of its end: the exchange."""

    record: RequestRecord

    def tunnel_over(self, ended: str) -> None:
        """It is closed on both sides."""
        ...
