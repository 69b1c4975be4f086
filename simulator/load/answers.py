"""What an answer tells besides its page: who gave it, with which version, after how many attempts. Pure."""

from collections.abc import Mapping
from typing import Protocol

from simulator.load.judge import Expected, Judgement, judge

ATTEMPTS_HEADER = "X-LB-Attempts"
"""In which our load balancer says how often it dispatched a request."""


class Answers(Protocol):
    """How the answers of a system are read; another application tells in another way than our nodes."""

    def judge(self, status: int, headers: Mapping[str, str], body: str, expected: Expected) -> Judgement:
        """Whether it is what was asked for."""
        ...

    def node_of(self, status: int, headers: Mapping[str, str], cookies: Mapping[str, str]) -> str:
        """Which node answered; empty if nothing tells. ``cookies`` are the client's by now, ``status`` 0 is none."""
        ...

    def version_of(self, headers: Mapping[str, str], node: str) -> str:
        """Which version answered; empty if nothing tells."""
        ...

    def attempts_of(self, headers: Mapping[str, str]) -> int:
        """How often the load balancer dispatched the request."""
        ...


class JiraAnswers:
    """Our nodes say all of it in headers."""

    def judge(self, status: int, headers: Mapping[str, str], body: str, expected: Expected) -> Judgement:
        """By the marks of the page."""
        return judge(status, headers, body, expected)

    def node_of(self, status: int, headers: Mapping[str, str], cookies: Mapping[str, str]) -> str:  # noqa: ARG002 - it says so itself
        """The node's own word."""
        return headers.get("X-ANODEID", "")

    def version_of(self, headers: Mapping[str, str], node: str) -> str:  # noqa: ARG002 - it says so itself
        """The node's own word."""
        return headers.get("X-Zdu-Version", "")

    def attempts_of(self, headers: Mapping[str, str]) -> int:
        """The load balancer's word, if it is ours."""
        return attempts_in(headers)


def attempts_in(headers: Mapping[str, str]) -> int:
    """How often our load balancer dispatched a request; 1 where it does not say."""
    told = headers.get(ATTEMPTS_HEADER, "1")
    return int(told) if told.isdecimal() else 1
