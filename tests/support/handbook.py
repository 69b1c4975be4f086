"""``docs/follow-the-procedure.md`` as a person uses it: its files, its commands, and the words to look for."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FILE = re.compile(r"```yaml\n# (\S+)\n(.*?)```", re.DOTALL)
_CODE = re.compile(r"```.*?```", re.DOTALL)
_BOLD = re.compile(r"\*\*(.+?)\*\*")


class Handbook:
    """The page; it remembers which of its words were followed."""

    def __init__(self) -> None:
        self.text = (ROOT / "docs" / "follow-the-procedure.md").read_text(encoding="utf-8")
        self.files = dict(_FILE.findall(self.text))
        prose = _CODE.sub("", self.text).replace("\n", " ")
        self.words = set(_BOLD.findall(prose)) - {"Bold"}
        self.commands = re.findall(r"`(zdu [^`]+)`", prose) + re.findall(r"^(zdu .+)$", self.text, re.MULTILINE)
        self.followed: set[str] = set()

    def word(self, word: str) -> str:
        """``word``, which the page has in bold."""
        assert word in self.words, f"the handbook does not say {word}"
        self.followed.add(word)
        return word

    def command(self, command: str) -> list[str]:
        """The arguments of ``command``, which the page tells people to type."""
        assert command in self.commands, f"the handbook does not say {command}"
        return command.split()[1:]
