"""The templates, compiled once per application; a missing value is an error, and everything is escaped."""

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).parent / "templates"


def wall_time(milliseconds: int) -> str:
    """``2017-03-07 09:51`` in UTC, of milliseconds since the epoch."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M")


class Templates:
    """Renders a page from its template's name and values."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["wall_time"] = wall_time
        for name in self._environment.list_templates(extensions=["html"]):
            self._environment.get_template(name)

    def render(self, name: str, **values: object) -> str:
        """The page. Raises jinja2.UndefinedError for a value that is missing."""
        return self._environment.get_template(name).render(**values)
