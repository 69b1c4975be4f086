"""The shared home: each release lays its bundled files beside those of the others, and touches none of theirs.

While a cluster is MIXED, nodes of two releases read the same shared home. So a release's files go into a folder of
their own, which appears at once and complete: it is filled under another name and then renamed.
"""

import json
import shutil
from pathlib import Path

from node.releases import Release
from zdu.errors import ZduError

BUNDLED = "bundled"


def expand_shared_home(shared_home: Path, release: Release, scratch_token: str) -> bool:
    """Lay down the release's files; False if they were there. Raises ZduError when the folder cannot be written.

    ``scratch_token`` keeps two nodes apart that do this at the same time: the one that is late finds the work done.
    """
    folder = release_folder(shared_home, release)
    if folder.is_dir():
        return False
    scratch = folder.with_name(f".{folder.name}.{scratch_token}")
    try:
        scratch.mkdir(parents=True)
        for name, text in _bundled_files(release).items():
            (scratch / name).write_text(text, encoding="utf-8")
        scratch.rename(folder)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        if folder.is_dir():
            return False
        raise ZduError(
            f"cannot write the files of Jira {release.version} into the shared home {shared_home}: {error.strerror}",
            hint="Every node needs to be able to write there; check shared_home, its rights, and the disk's space.",
        ) from error
    return True


def release_folder(shared_home: Path, release: Release) -> Path:
    """Where the release's files are: ``bundled/7.3.2-73013``."""
    return shared_home / BUNDLED / f"{release.version}-{release.build}"


def _bundled_files(release: Release) -> dict[str, str]:
    facts = {
        "version": release.version,
        "build": release.build,
        "expand_steps": list(release.expand_steps),
        "upgrade_tasks": list(release.upgrade_tasks),
        "contract_steps": list(release.contract_steps),
        "features": sorted(release.features),
    }
    return {"release.json": json.dumps(facts, indent=2) + "\n"}
