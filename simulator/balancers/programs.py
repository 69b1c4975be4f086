"""Other people's load balancers on this machine: where they are, which package brings them, their versions."""

import re
import shutil
import subprocess

from zdu.errors import UsageError

PACKAGES = {"haproxy": "haproxy", "nginx": "nginx", "apache2": "apache2"}
"""Which of Debian's packages brings which program."""
_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_ANSWERS_WITHIN_S = 10


def find_program(name: str) -> str | None:
    """Where a program is; servers are in folders that are not on everybody's PATH."""
    return shutil.which(name) or shutil.which(name, path=_SYSTEM_FOLDERS)


def program(name: str) -> str:
    """Where the program is. Raises UsageError that names Debian's package when it is not on this machine."""
    found = find_program(name)
    if found is None:
        raise UsageError(
            f"{name} is not on this machine",
            hint=f"On Debian and Ubuntu: apt-get install --no-install-recommends {PACKAGES[name]}\n"
            f"Debian starts the server by itself; 'systemctl disable --now {PACKAGES[name]}' ends that.",
        )
    return found


def version_of(name: str) -> str:
    """The version number that a program tells of itself, or ``?``. Raises UsageError if it is absent."""
    done = subprocess.run(  # noqa: S603 - a known server's own version option
        [program(name), "-v"], capture_output=True, text=True, check=False, timeout=_ANSWERS_WITHIN_S
    )
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return found[0] if found else "?"
