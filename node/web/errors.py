"""Refusals that become an answer: a page for people, JSON for programs, never a traceback."""

from collections.abc import Mapping


class Refusal(Exception):
    """The request cannot be done, for a reason the client can understand. ``errors`` is by field, as in Jira."""

    def __init__(self, status: int, *messages: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(*messages)
        self.status = status
        self.messages = messages
        self.errors = dict(errors or {})


def not_found(what: str = "The page you asked for does not exist.") -> Refusal:
    """A 404."""
    return Refusal(404, what)
