"""Which known word somebody probably meant."""

from collections.abc import Sequence
from difflib import get_close_matches


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word most like ``word``; empty if none is like it."""
    folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else ""


def suggestion(word: str, known: Sequence[str]) -> str:
    """``did you mean 'x'?`` where one word is near, else all of them."""
    close = nearest(word, known)
    return f"did you mean {close!r}?" if close else f"known here: {', '.join(known)}"
