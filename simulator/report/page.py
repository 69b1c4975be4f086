"""What all pages that are made from records have in common: the templates, and how text and data get into them."""

import json
import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from simulator.report.drawing import css_word, short_word

_CODE = re.compile("`([^`]+)`")


def page_environment() -> Environment:
    """The templates of all pages that are made from records."""
    environment = Environment(
        loader=PackageLoader("simulator.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["css_word"] = css_word
    environment.filters["short_word"] = short_word
    environment.filters["prose"] = prose
    return environment


def prose(text: str) -> Markup:
    """Text of a scenario for the page; what stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def inline_json(data: object) -> Markup:
    """``data`` for a script element: no text in it can end the element or begin another."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    escaped = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(escaped)  # noqa: S704 - nothing is left in it that HTML would take for markup
