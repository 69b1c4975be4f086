"""What may be written into an issue. Every rule has one sentence that says what is wrong."""

import re
from collections.abc import Mapping

from node.web.errors import Refusal
from node.web.limits import WebLimits

_KEY = re.compile(r"[A-Z][A-Z0-9_]{0,29}-[1-9][0-9]{0,8}")


def issue_key(text: object) -> str:
    """An issue key such as ``ZDU-12``. Raises a 404: what cannot be a key names no issue."""
    if isinstance(text, str) and _KEY.fullmatch(text.upper()):
        return text.upper()
    raise Refusal(404, "Issue Does Not Exist")


def storable(text: str) -> bool:
    """Whether every database can hold it: neither NUL nor half a surrogate pair."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def summary_problem(value: object, limits: WebLimits) -> str | None:
    """What is wrong with a summary, or None."""
    if not isinstance(value, str):
        return "Operation value must be a string"
    if not value.strip():
        return "You must specify a summary of the issue."
    if "\n" in value or "\r" in value:
        return "The summary is invalid because it contains newline characters."
    if len(value.strip()) > limits.summary_length:
        return f"Summary must be less than {limits.summary_length + 1} characters."
    return None if storable(value) else "The summary contains characters that cannot be stored."


def text_problem(value: object, limits: WebLimits) -> str | None:
    """What is wrong with a description or a comment's text, or None."""
    if not isinstance(value, str):
        return "Operation value must be a string"
    if len(value) > limits.text_length:
        return f"The entered text is too long. It exceeds the allowed limit of {limits.text_length:,} characters."
    return None if storable(value) else "The text contains characters that cannot be stored."


def comment_problem(value: object, limits: WebLimits) -> str | None:
    """What is wrong with a comment, or None."""
    problem = text_problem(value, limits)
    if problem is None and isinstance(value, str) and not value.strip():
        return "Comment body can not be empty!"
    return problem


def issue_problems(fields: Mapping[str, object], limits: WebLimits) -> dict[str, str]:
    """What is wrong with the summary and description that are given, by field."""
    problems: dict[str, str] = {}
    if "summary" in fields and (problem := summary_problem(fields["summary"], limits)):
        problems["summary"] = problem
    if fields.get("description") is not None and (problem := text_problem(fields["description"], limits)):
        problems["description"] = problem
    return problems


def page_number(text: str, *, default: int, most: int) -> int:
    """A count from a query string. Raises a 400 if it is none; more than ``most`` becomes ``most``."""
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Refusal(400, f"'{text[:40]}' is not a whole number.")
    return min(int(text), most)
