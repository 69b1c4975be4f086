"""The little of JQL that is understood: free text, ``summary ~ "words"``, ``project = ZDU``, ``ORDER BY``."""

import re

_ORDER = re.compile(r"\s*\border\s+by\b.*$", re.IGNORECASE | re.DOTALL)
_PROJECT = re.compile(r'project\s*=\s*"?\w+"?', re.IGNORECASE)
_TEXT = re.compile(r'(?:summary|text|description)\s*~\s*(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))', re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_LONGEST = 255
_LONGEST_QUERY = 500


def search_text(jql: str) -> str:
    """The words to look for; empty for all issues. What is not JQL is taken as the words themselves."""
    # Ahead of the expressions: over a long run of blanks they would take time by its square.
    query = " ".join(jql[:_LONGEST_QUERY].replace("\x00", " ").split())
    query = _ORDER.sub("", query).strip()
    words: list[str] = []
    for clause in _AND.split(query):
        if match := _TEXT.fullmatch(clause.strip()):
            words.append(match["quoted"] if match["quoted"] is not None else match["word"])
        elif not _PROJECT.fullmatch(clause.strip()):
            return query[:_LONGEST]
    return " ".join(word for word in words if word).strip()[:_LONGEST]
