"""The page's scripts: plain ES modules in ``static``, joined into one: a page opened as a file can import none.

Two rules make that possible without a build: modules import each other by name from ``./``, one line each, and no two
of them use the same name at their top level.
"""

import re
from importlib.resources import files

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./[\w.]+";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) )", re.MULTILINE)

_PARTS = ("cluster_drawing.js", "scene.js", "transport.js")
PLAYER = (*_PARTS, "player.js")
"""One run, in the order in which the modules need each other."""
PAIR = (*_PARTS, "pair.js")
"""Two runs side by side."""


def joined(names: tuple[str, ...] = PLAYER) -> str:
    """The modules as the text of one inline module."""
    sources = [files("simulator.report").joinpath("static", name).read_text(encoding="utf-8") for name in names]
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", source)) for source in sources)
