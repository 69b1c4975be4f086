"""A small web application of anybody's, by WSGI: ``python guests.py PORT NODE VERSION`` serves its one page."""

import signal
import sys
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


def application(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """A greeting that says which node and version made it."""
    _port, node, version = sys.argv[1:]
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Served-By", node)])
    return [f"Welcome, guest! This is version {version}.\n".encode()]


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection; who stops it waits for all of them."""


class Quiet(WSGIRequestHandler):
    """Without a log."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


if __name__ == "__main__":
    with make_server("127.0.0.1", int(sys.argv[1]), application, Server, Quiet) as server:
        # shutdown() waits for serve_forever(), so it may not be called where that runs.
        signal.signal(signal.SIGTERM, lambda *_: Thread(target=server.shutdown).start())
        server.serve_forever(poll_interval=0.05)
