import json
from pathlib import Path

import pytest

from node.releases import find_release
from node.shared_files import expand_shared_home, release_folder
from zdu.errors import ZduError

OLD, NEW = find_release("7.3.0"), find_release("7.3.2")


def test_a_release_lays_its_files_beside_the_older_ones(tmp_path: Path) -> None:
    assert expand_shared_home(tmp_path, OLD, "a")
    old_file = release_folder(tmp_path, OLD) / "release.json"
    before = (old_file.read_bytes(), old_file.stat().st_mtime_ns)

    assert expand_shared_home(tmp_path, NEW, "b")

    assert (old_file.read_bytes(), old_file.stat().st_mtime_ns) == before
    assert json.loads((release_folder(tmp_path, NEW) / "release.json").read_text())["build"] == 73013
    assert sorted(p.name for p in (tmp_path / "bundled").iterdir()) == ["7.3.0-73011", "7.3.2-73013"]


def test_files_that_are_there_are_left_alone(tmp_path: Path) -> None:
    assert expand_shared_home(tmp_path, OLD, "a")
    assert not expand_shared_home(tmp_path, OLD, "b")


def test_a_start_that_was_cut_short_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "bundled" / ".7.3.0-73011.earlier").mkdir(parents=True)

    assert expand_shared_home(tmp_path, OLD, "a")


def test_a_shared_home_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")

    with pytest.raises(ZduError, match="shared home"):
        expand_shared_home(tmp_path / "home", OLD, "a")
