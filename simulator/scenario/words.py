"""Reads a sentence word by word, and says where and how it went wrong, and which word was probably meant. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from simulator.scenario.spelling import nearest
from zdu.durations import parse_duration_s

Meaning = TypeVar("Meaning")

_TOKEN = re.compile(r"<=|>=|[<>=]|[^\s<>=]+")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(%?)")
_NODE = re.compile(r"node\d+")
_LISTED = 8
"""So many choices are listed where none is near."""


class Misread(ValueError):
    """A sentence that cannot be read; ``offset`` is where in it, in characters."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def suggest(word: str, known: Sequence[str]) -> str:
    """``did you mean 'x'?`` where one is near, else the first few of them."""
    close = nearest(word, known)
    if close:
        return f"did you mean {close!r}?"
    more = ", …" if len(known) > _LISTED else ""
    return f"known here: {', '.join(known[:_LISTED])}{more}"


class Reader:
    """The words of ``text``, taken one after the other."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        self._written = text
        self._tokens = [(match[0], match.start()) for match in _TOKEN.finditer(text)]
        self._at = 0
        if not self._tokens:
            raise Misread("the sentence is empty", 0)

    def take(self, words: str) -> bool:
        """Whether these words come next; then they are taken."""
        wanted = words.split()
        found = [word for word, _ in self._tokens[self._at : self._at + len(wanted)]]
        if found != wanted:
            return False
        self._at += len(wanted)
        return True

    def expect(self, word: str) -> None:
        """Take this word. Raises Misread if another one comes."""
        if not self.take(word):
            raise self._misread(f"expected {word!r}")

    def take_phrase(self, phrases: Mapping[str, Meaning], where: str, also: Sequence[str] = ()) -> Meaning:
        """Take the longest of the phrases that comes next. Raises Misread."""
        for phrase in sorted(phrases, key=lambda phrase: -len(phrase.split())):
            if self.take(phrase):
                return phrases[phrase]
        rest = " ".join(word for word, _ in self._tokens[self._at : self._at + 3])
        known = [*also, *phrases]
        close = nearest(rest, known) or nearest(" ".join(rest.split()[:2]), known)
        hint = f"did you mean {close!r}?" if close else suggest("", known)
        raise self._misread(f"{rest!r} is not known {where}" if rest else f"expected more words {where}", hint)

    def take_one_of(self, choices: Sequence[str], what: str, told: Sequence[str] = ()) -> str:
        """Take one of these words. Raises Misread with the nearest of them, or of ``told``."""
        word = self._peek()
        if word in choices:
            self._at += 1
            return word
        raise self._misread(f"expected {what}", suggest(word, told or choices))

    def take_match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take the next word if all of it matches."""
        found = pattern.fullmatch(self._peek())
        self._at += found is not None
        return found

    def take_node(self) -> str | None:
        """The name of a node if one comes next."""
        found = self.take_match(_NODE)
        return found[0] if found else None

    def take_comparison(self) -> str:
        """Take ``<``, ``<=``, ``=``, ``>=`` or ``>``. Raises Misread."""
        word = self._peek()
        if word not in {"<", "<=", "=", ">=", ">"}:
            raise self._misread("expected a comparison such as <")
        self._at += 1
        return word

    def take_duration(self) -> float:
        """Take a duration, with or without a blank before its unit; in seconds. Raises Misread."""
        for count in (1, 2):
            text = " ".join(word for word, _ in self._tokens[self._at : self._at + count])
            try:
                seconds = parse_duration_s(text)
            except ValueError:
                continue
            self._at += count
            return seconds
        raise self._misread("expected a duration with its unit, such as 500ms, 1.5s or 2min")

    def take_number(self, what: str) -> tuple[float, bool]:
        """Take a number, and whether it is a percentage. Raises Misread."""
        word = self._peek()
        found = _NUMBER.fullmatch(word)
        if found is None:
            raise self._misread(f"expected {what}")
        self._at += 1
        return float(found[1]), bool(found[2]) or self.take("%")

    def end(self, may_follow: Sequence[str] = ()) -> None:
        """Make sure that nothing is left. Raises Misread."""
        if self._at < len(self._tokens):
            hint = f"here may follow: {', '.join(may_follow)}" if may_follow else ""
            raise self._misread("the sentence should end here", hint)

    def misread_last(self, message: str) -> Misread:
        """The error about the word that was taken last."""
        return Misread(message, self._tokens[max(0, self._at - 1)][1])

    def misread_next(self, message: str) -> Misread:
        """The error about the word that comes next."""
        return self._misread(message)

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _misread(self, message: str, hint: str = "") -> Misread:
        word = self._peek()
        found = f", not {word!r}" if word and message.startswith("expected") else ""
        if not word:
            found = ", but the sentence ends"
        elif message.startswith("the sentence should end"):
            found = f", before {word!r}"
        offset = self._tokens[self._at][1] if word else len(self._written)
        return Misread(f"{message}{found}" + (f"; {hint}" if hint else ""), offset)
