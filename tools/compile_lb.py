"""``make compiled``: the same load balancer with its data path compiled, in a folder of its own.

mypyc makes C of the very modules that are otherwise interpreted; ``[tool.zdu.compiled]`` in pyproject.toml names
them, and :data:`IN_C` the few that are written in C. What is built is a whole copy of the packages with the compiled
modules beside their sources, never among the sources that people edit: there a compiled module would hide every later
change. The copy takes its place when it is complete. It is used with ``PYTHONPATH=build/compiled``; decisions 9 and
14 in docs/decisions say why.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "build" / "compiled"
STAMP = ".built"
"""What make looks at; written last."""

IN_C = {"lb.http._heads": "lb/http/_heads.c"}
"""Modules that are written in C, with a twin in Python where they are not built."""

EXIT_FAILED = 1
EXIT_CANNOT = 69  # sysexits.h: a program that is needed is not there


def settings(pyproject: Path = ROOT / "pyproject.toml") -> dict[str, list[str]]:
    """The packages that are copied, and which modules are compiled."""
    parsed: dict[str, Any] = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    known: dict[str, list[str]] = parsed["tool"]["zdu"]["compiled"]
    return known


def source_of(module: str) -> Path:
    """Where a module's source is, below the folder of the packages."""
    return Path(*module.split(".")).with_suffix(".py")


def main() -> int:
    """Build it, or say why not."""
    parser = argparse.ArgumentParser(prog="make compiled", description=__doc__)
    parser.add_argument("--opt-level", choices=["0", "1", "2", "3"], default="3", help="the C compiler's (default 3)")
    options = parser.parse_args()
    if shutil.which(os.environ.get("CC", "gcc")) is None:
        return _cannot("there is no C compiler", "Install gcc and Python's headers: apt-get install gcc python3-dev")
    fresh = TARGET.with_name("compiling")
    shutil.rmtree(fresh, ignore_errors=True)
    known = settings()
    for package in known["packages"]:
        shutil.copytree(ROOT / package, fresh / package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    # In a process of its own: mypy and setuptools read the folder they are started in, and the arguments.
    code = f"from tools.compile_lb import compile_here; compile_here({known['modules']!r}, {options.opt_level!r})"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own list
        [sys.executable, "-P", "-c", code], cwd=fresh, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.stderr.write(f"{done.stdout[-4000:]}{done.stderr[-4000:]}\nThe load balancer could not be compiled.\n")
        return EXIT_FAILED
    shutil.rmtree(fresh / "build", ignore_errors=True)
    shutil.rmtree(TARGET, ignore_errors=True)
    fresh.rename(TARGET)
    (TARGET / STAMP).touch()
    count = len(known["modules"]) + len(IN_C)
    sys.stderr.write(f"{count} modules compiled: PYTHONPATH={TARGET.relative_to(ROOT)} zdu lb …\n")
    return 0


def compile_here(modules: list[str], opt_level: str) -> None:
    """Compile modules of the packages in the present folder, beside their sources."""
    from mypyc.build import mypycify  # noqa: PLC0415 - only those who build have them
    from setuptools import Extension, setup  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

    paths = [str(source_of(module)) for module in modules]
    extensions = mypycify(
        ["--config-file", str(ROOT / "pyproject.toml"), *paths], opt_level=opt_level, debug_level="0"
    )
    flags = [f"-O{opt_level}", "-Wall", "-Wextra", "-Werror"]
    extensions += [Extension(name, [source], extra_compile_args=flags) for name, source in sorted(IN_C.items())]
    setup(
        name="zdu-compiled",
        packages=[],
        py_modules=[],
        ext_modules=extensions,
        script_args=["build_ext", "--inplace", f"--parallel={os.cpu_count() or 1}"],
    )


def _cannot(why: str, hint: str) -> int:
    sys.stderr.write(f"The load balancer cannot be compiled: {why}.\n{hint}\n")
    return EXIT_CANNOT


if __name__ == "__main__":
    sys.exit(main())
