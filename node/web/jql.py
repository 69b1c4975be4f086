"""The little of JQL that is understood: words, ``summary ~ "words"``, ``project = ZDU``, ``status = Done``.

Results always come newest first; ``ORDER BY`` is understood and changes nothing.
"""

import re

from node.search_index import Query

_ORDER = re.compile(r"\s*\border\s+by\b.*$", re.IGNORECASE | re.DOTALL)
_PROJECT = re.compile(r'project\s*=\s*"?(?P<key>\w+)"?', re.IGNORECASE)
_STATUS = re.compile(r'status\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<word>\w+))', re.IGNORECASE)
_TEXT = re.compile(r'(?:summary|text|description)\s*~\s*(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))', re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_LONGEST = 255
_LONGEST_QUERY = 500


def parse(jql: str) -> Query:
    """What to look for; all issues if nothing is said. What is not JQL is taken as the words themselves."""
    # Ahead of the expressions: over a long run of blanks they would take time by its square.
    query = " ".join(jql[:_LONGEST_QUERY].replace("\x00", " ").split())
    query = _ORDER.sub("", query).strip()
    words: list[str] = []
    project = status = ""
    for clause in map(str.strip, _AND.split(query)):
        if match := _TEXT.fullmatch(clause):
            words.append(match["quoted"] if match["quoted"] is not None else match["word"])
        elif match := _PROJECT.fullmatch(clause):
            project = match["key"].upper()
        elif match := _STATUS.fullmatch(clause):
            status = match["quoted"] if match["quoted"] is not None else match["word"]
        else:
            return Query(query[:_LONGEST])
    return Query(" ".join(word for word in words if word).strip()[:_LONGEST], project, status)
