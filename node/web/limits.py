"""The web side's limits, each with its reason. Every queue, body and wait has one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WebLimits:
    """What one request may cost."""

    body_bytes: int = 1024 * 1024
    """No form or JSON document of this application comes near it; more is answered 413."""
    form_fields: int = 50
    request_timeout_s: float = 30.0
    """Longer than any statement time-out, so that the database's own message comes first."""
    summary_length: int = 255
    """Jira's own limit for a summary."""
    text_length: int = 32_767
    """Jira's default limit for descriptions and comments (``jira.text.field.character.limit``)."""
    page_size: int = 20
    max_results: int = 200
    sessions: int = 100_000
    """A node that is asked for more forgets the sessions unused for longest."""
    retry_after_s: int = 2
    """What a node that cannot serve now tells clients to wait."""
