"""Finds where requests begin in the bytes that a load balancer sends, and what they ask for."""

import httptools


class Heads:
    """Reads the requests of one connection. What is no HTTP, or no longer, passes unread."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._targets: list[str] = []
        self._blind = False
        self.in_head = False

    def feed(self, data: bytes) -> list[str]:
        """The targets of the requests whose head ends in ``data``; ``in_head`` says whether one is incomplete."""
        self._targets = []
        if not self._blind:
            try:
                self._parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade):
                self._blind, self.in_head = True, False
        return self._targets

    # httptools calls these by their names.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._url, self.in_head = b"", True

    def on_url(self, url: bytes) -> None:
        """A part of its target."""
        self._url += url

    def on_headers_complete(self) -> None:
        """Its head is here."""
        self.in_head = False
        self._targets.append(self._url.decode("latin-1"))
