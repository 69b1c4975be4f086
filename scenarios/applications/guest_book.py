"""A small application that knows nothing of zdu: a guest book with a log-in, on Python's own web server.

    python3 guest_book.py --port 8080 --name one --version 1.0 --secrets secret.txt

Who is logged in is told by a signed cookie, so every copy with the same secret knows it. A page is sent while it is
made, which takes a moment. SIGTERM ends the program at once, as it ends any that does not care: what is on its way
then is lost. SIGUSR1 tells it that this is to come: from then on its health check answers 503 and ``draining``, so
that a load balancer leaves it alone, and it serves whoever comes all the same. It is the example of the scenario
``another-application``.
"""

import argparse
import hashlib
import hmac
import os
import signal
import time
from contextlib import suppress
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

WORK_S = 0.12
"""How long the rest of a page takes to make."""
FORM = '<form method="post" action="/login"><input name="user"><input name="password" type="password"></form>'


class GuestBook(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    name = version = ""
    secret = b""
    draining = False

    def do_GET(self) -> None:
        """The pages."""
        if self.path == "/health" and self.draining:
            self._answer(503, "draining")
        elif self.path == "/health":
            self._answer(200, "well")
        elif self.path == "/login":
            self._answer(200, FORM)
        elif self.path != "/":
            self._answer(404, "no such page")
        elif user := self._user():
            self._answer(200, f"<h1>Guest book {self.version}</h1>", f"<p>Welcome, {user}.</p>")
        else:
            self._answer(302, "", Location="/login")

    def do_POST(self) -> None:
        """The log-in form."""
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
        user = form.get("user", [""])[0]
        if self.path != "/login" or not user.isalnum() or form.get("password") != ["welcome"]:
            self._answer(403, "no such guest")
            return
        cookie = f"guest={user}.{self._signed(user)}; Path=/; HttpOnly"
        self._answer(303, "", Location="/", **{"Set-Cookie": cookie})

    def _user(self) -> str:
        """Who the cookie says it is, if it is signed."""
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("guest")
        user, _, signature = cookie.value.partition(".") if cookie else ("", "", "")
        return user if user and hmac.compare_digest(signature, self._signed(user)) else ""

    def _signed(self, user: str) -> str:
        return hmac.new(self.secret, user.encode(), hashlib.sha256).hexdigest()

    def _answer(self, status: int, body: str, rest: str = "", **headers: str) -> None:
        """Send a page; its ``rest`` takes a moment to make, and what there is goes out meanwhile."""
        data, later = body.encode(), rest.encode()
        self.send_response(status)
        for key, value in {"Content-Type": "text/html", "X-Served-By": self.name, **headers}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data) + len(later)))
        self.end_headers()
        self.wfile.write(data)
        if later:
            time.sleep(WORK_S)
            self.wfile.write(later)


def shared_secret(file: Path) -> bytes:
    """The secret of all copies: the first one makes it."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_bytes(os.urandom(32))
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()
    return file.read_bytes()


class Server(ThreadingHTTPServer):
    """With room for many who come at once."""

    request_queue_size = 128
    daemon_threads = True


def leave(*_: object) -> None:
    """Ask to be left alone."""
    GuestBook.draining = True


def main() -> None:
    """Serve until somebody ends it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=8080)
    for word in ("--name", "--version", "--secrets"):
        parser.add_argument(word, required=True)
    options = parser.parse_args()
    GuestBook.name, GuestBook.version = options.name, options.version
    GuestBook.secret = shared_secret(Path(options.secrets))
    signal.signal(signal.SIGUSR1, leave)
    Server(("127.0.0.1", options.port), GuestBook).serve_forever()


if __name__ == "__main__":
    main()
