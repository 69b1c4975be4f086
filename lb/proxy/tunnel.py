"""An upgraded connection, a WebSocket as a rule: bytes both ways, until both sides have said their last word.

The load balancer does not take part in the other protocol, with one exception: a WebSocket whose node is drained is
closed as RFC 6455 wants it, with a close frame that says 1001 (going away), put between two frames. So browsers
reconnect at once, and to another node. Other protocols are simply closed.
"""

from collections.abc import Sequence

from lb.http.response import ResponseHead
from lb.proxy.context import Proxy
from lb.proxy.forward import switching_to_client
from lb.proxy.node_connection import NodeConnection
from lb.proxy.roles import TunnelClient, TunnelOwner
from lb.retry import Failure
from lb.websocket import FrameTracker, close_frame


class Tunnel:
    """Joins a client's connection and a node's. It is the connection's asker from :meth:`open` on."""

    __slots__ = (
        "_client",
        "_client_ended",
        "_closing",
        "_extras",
        "_from_client",
        "_from_node",
        "_node",
        "_node_ended",
        "_over",
        "_owner",
        "_proxy",
        "_response",
    )

    def __init__(
        self,
        proxy: Proxy,
        owner: TunnelOwner,
        node: NodeConnection,
        response: ResponseHead,
        extras: Sequence[bytes],
    ) -> None:
        self._proxy = proxy
        self._owner = owner
        self._node = node
        self._response = response
        self._extras = extras
        self._client: TunnelClient | None = None
        websocket = response.upgrade.lower() == b"websocket"
        self._from_client = FrameTracker() if websocket else None
        self._from_node = FrameTracker() if websocket else None
        self._client_ended = self._node_ended = self._closing = self._over = False

    def __repr__(self) -> str:
        return f"<Tunnel {self._response.upgrade!r}>"

    def open(self, client: TunnelClient, rest: bytes) -> None:
        """Tell the client that the protocol was switched, and pass on what came after that."""
        self._client = client
        self._node.asker = self
        client.write(switching_to_client(self._response, self._extras))
        client.start_tunnel(self)
        self._alive()
        if rest and not self._over:
            self.tunnelled(rest)

    # From the client.

    def from_client(self, data: bytes) -> None:
        """Bytes of the client's."""
        if self._closing:
            return
        self._owner.record.received_bytes += len(data)
        if self._from_client is not None:
            self._from_client.feed(data)
        self._node.write(data)
        self._alive()

    def client_ended(self) -> None:
        """The client has sent its last byte."""
        self._client_ended = True
        if self._node_ended or self._closing:
            self._finish("--")
        else:
            self._node.write_eof()

    def client_lost(self) -> None:
        """The client's connection is no more."""
        self._client = None
        self._finish("--" if self._client_ended or self._node_ended or self._closing else "CD")

    def client_blocked(self, *, blocked: bool) -> None:
        """The client takes no more for now, or takes it again."""
        if blocked:
            self._node.pause()
        else:
            self._node.resume()

    # From the node: the tunnel is the connection's asker.

    def tunnelled(self, data: bytes) -> None:
        """Bytes of the node's."""
        if self._closing or self._client is None:
            return
        self._owner.record.sent_bytes += len(data)
        self._client.write(data)
        self._alive()
        if self._from_node is not None:
            self._from_node.feed(data)

    def tunnel_ended(self) -> None:
        """The node has sent its last byte."""
        self._node_ended = True
        if self._client_ended or self._closing or self._client is None or self._node.transport is None:
            self._finish("--")
        else:
            self._client.write_eof()

    def upload_blocked(self, *, blocked: bool) -> None:
        """The node takes no more for now, or takes it again."""
        if self._client is None:
            return
        if blocked:
            self._client.pause()
        else:
            self._client.resume()

    def node_failed(self, failure: Failure, detail: str) -> None:
        """Nothing moved for too long."""
        del detail
        self._finish("sD" if failure is Failure.NO_RESPONSE else "SD")

    def respond(self, response: ResponseHead, pieces: Sequence[bytes], *, complete: bool) -> None:
        """Never called: responses are over."""

    def interim(self, response: ResponseHead) -> None:
        """Never called: responses are over."""

    def switched(self, response: ResponseHead, rest: bytes) -> None:
        """Never called: it was switched already."""

    def more(self, pieces: Sequence[bytes], *, complete: bool, trailers: Sequence[bytes] = ()) -> None:
        """Never called: responses are over."""

    # The end.

    def close_politely(self) -> None:
        """Its node is drained, or we stop: end it, as politely as the protocol allows."""
        if self._over or self._client is None:
            return
        self._closing = True
        if self._from_node is not None and self._from_node.at_boundary and not self._node_ended:
            self._client.write(close_frame(1001))
        if self._from_client is not None and self._from_client.at_boundary and not self._client_ended:
            self._node.write(close_frame(1001, mask=self._proxy.entropy.rng.randbytes(4)))
        self._finish("KD")

    def _alive(self) -> None:
        self._node.deadline_s = self._proxy.now() + self._proxy.timeouts.tunnel

    def _finish(self, ended: str) -> None:
        if self._over:
            return
        self._over = True
        self._node.close()
        client, self._client = self._client, None
        if client is not None:
            client.close()
        self._owner.tunnel_over(ended)
