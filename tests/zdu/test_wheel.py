"""What people install: one top-level name, everything in it, and it runs outside the repository.

The wheel is made from the source distribution, so what is missing there is missing here.
"""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RUN_LIST = "import zdu.__main__; sys.argv = ['zdu', 'scenario', 'list']; zdu.__main__.main()"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    assert len(list(out.glob("*.tar.gz"))) == 1
    (found,) = out.glob("*.whl")
    return found


def test_the_only_top_level_name_is_zdu(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"zdu"}


def test_everything_that_is_not_code_is_in_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    data = {
        str(path.relative_to(ROOT))
        for folder in ("shared_db", "node", "lb", "simulator", "scenarios")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert data
    assert {f"zdu/_app/{name}" for name in data} <= set(names)


def test_it_runs_where_there_is_no_repository_even_beside_a_folder_named_node(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "__init__.py").write_text("raise RuntimeError('the wrong node')")
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass")
    venv.create(tmp_path / "venv", symlinks=True)
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)

    def run(program: str) -> str:
        # The libraries of this environment, but not its editable install: a path added by hand reads no .pth file.
        path = f"import sys; sys.path.append({sysconfig.get_paths()['purelib']!r})"
        done = subprocess.run(
            [tmp_path / "venv" / "bin" / "python", "-P", "-c", f"{path}; {program}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert "valiantys" in run(RUN_LIST)
    # As pytest finds it by itself, by its entry point.
    loaded = run("import pytest; sys.exit(pytest.main(['--trace-config', '-p', 'no:asyncio']))")
    assert f"<module 'zdu.pytest_plugin' from '{site}/zdu/pytest_plugin/__init__.py'>" in loaded
    assert "1 passed" in loaded
