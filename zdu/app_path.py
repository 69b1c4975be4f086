"""Where the application's own folders are found.

In a checkout and in an editable install they are plain packages beside ``zdu``. A wheel must not put names as
generic as ``node`` into site-packages, so there they are bundled below ``zdu/_app``, which only our own processes
put on their path.
"""

import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def app_path() -> Path:
    """The folder that holds ``node``, ``lb``, ``simulator``, ``shared_db`` and ``scenarios``."""
    bundled = _PACKAGE / "_app"
    return bundled if bundled.is_dir() else _PACKAGE.parent


def add_app_path() -> None:
    """Make the application's folders importable in this process, before anything of the same name elsewhere."""
    path = str(app_path())
    if path not in sys.path:
        sys.path.insert(0, path)
