"""Requests that are none, or none for a node: why they are refused, and what is told of them."""

from lb.http.request import Refusal, RequestHead
from lb.telemetry.record import RequestRecord


def check_served(request: RequestHead, via: bytes) -> None:
    """Raise Refusal for a request that is well formed, and still none for a node. ``via`` is our own name."""
    if request.method == b"TRACE":
        raise Refusal(405, "TRACE is not allowed", "unsupported-method")
    if request.via and via.partition(b" ")[2] in request.via:
        raise Refusal(508, "the request has been here already", "loop")
    if request.max_forwards == 0 and request.method == b"OPTIONS":
        raise Refusal(405, "Max-Forwards ends at the load balancer", "max-forwards")


def record_of(data: bytes, client: str, request_id: str, began_s: float, now_s: float) -> RequestRecord:
    """A record of a request that was none: what of its first line can be read."""
    words = data[:_SHOWN_BYTES].lstrip(b"\r\n").partition(b"\r\n")[0].decode("latin-1").split(" ")
    record = RequestRecord(request_id, client, words[0], words[1] if len(words) > 1 else "", now_s)
    record.tq_ms = (now_s - min(began_s, now_s)) * 1000
    return record


_SHOWN_BYTES = 2048
