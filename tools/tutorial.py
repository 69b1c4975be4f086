"""``make tutorial``: plays what the tutorial's chapters show and writes what came of it into them.

Between ``<!-- seen: zdu run NAME --seed 1 -->`` and ``<!-- seen: end -->`` stands what that command told in the end;
the picture of the broken run, the first one of a chapter, becomes ``img/CHAPTER.svg``. Exit code 1 if a run did not
end as its scenario says.
"""

import re
import shlex
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from textwrap import fill
from typing import Any

from simulator.conclude import judge_run
from simulator.lessons.catalogue import Lesson, find_lesson
from simulator.record.run_folder import RunFolder
from simulator.report.drawing import draw
from simulator.report.page import page_environment
from simulator.report.picture import picture_of
from simulator.scenario import load
from simulator.spawn import zdu_command

CHAPTERS = Path(__file__).parents[1] / "docs" / "tutorial"
SEEN = re.compile(r"<!-- seen: (zdu run ([a-z0-9-]+)( --twin)? --seed \d+) -->\n.*?<!-- seen: end -->", re.DOTALL)
WIDTH = 110
RUN_WITHIN_S = 300.0
LETTERS = "svg { font-family: system-ui, sans-serif; background: #fff; }"
TASK = re.compile(r"<!-- exercise: begin -->\n.*?<!-- exercise: end -->", re.DOTALL)


def task_section(lesson: Lesson) -> str:
    """The end of a chapter: the exercise in the words of ``zdu lesson``."""
    may = ", ".join(f"`{key}`" for key in lesson.yours)
    lines = (
        fill(lesson.task, WIDTH, break_on_hyphens=False),
        fill(f"You may change {may}.", WIDTH, break_on_hyphens=False),
        f"```sh\nzdu lesson {lesson.number}            writes {lesson.file_name}, to be mended\n"
        f"zdu lesson {lesson.number} --hint     if you are stuck\n"
        f"zdu lesson {lesson.number} --check    plays it\n```",
    )
    return "\n\n".join(["<!-- exercise: begin -->", *lines, "<!-- exercise: end -->"])


def excerpt(result: Mapping[str, Any]) -> str:
    """What the end of a run said: verdict, what is broken, the first failures, the figures."""
    lines = [fill(f"{result['verdict'].upper()}  {result['sentence']}", WIDTH), ""]
    for check in result["checks"]:
        if not check["ok"]:
            word = "FAILED " if check["outcome"] == "fail" else "missing"
            lines.append(fill(f" {word}  {check['name']}: {check['detail']}", WIDTH, subsequent_indent=" " * 10))
    sessions, requests = result["sessions"], result["requests"]
    lines += [
        f"requests   {requests['total']:,}, {requests['failed']:,} failed",
        f"outages    the longest lasted {max(one['longest_outage_ms'] for one in result['probes'].values()):.0f} ms",
        f"sessions   {sessions['total']}, {sessions['moved']} moved, {sessions['silent_relogins']} silent sign-ins, "
        f"{sessions['lost']} lost",
    ]
    return "\n".join(lines)


def svg(folder: Path) -> str:
    """The picture of the report as a file of its own."""
    run = judge_run(RunFolder(folder))
    end_s = max(envelope.t_s for envelope in run.record.envelopes)
    picture = picture_of(run.result, run.record.envelopes, run.record.requests, end_s=end_s)
    environment = page_environment()
    drawn = environment.get_template("timeline.svg").render(drawing=draw(picture), picture=picture)
    css = _template("timeline.css")
    colours = _template("report.css").partition("}")[0] + "}"
    drawn = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    drawn = drawn.replace("<defs>", f"<style>{colours}{LETTERS}{css}</style><defs>", 1)
    drawn = re.sub(r"<title>.*?</title>", "", drawn)
    ET.fromstring(drawn)  # noqa: S314 - our own; a picture that is no XML is shown nowhere
    return re.sub(r"\n\s*", "\n", drawn)


def _template(name: str) -> str:
    return (resources.files("simulator.report") / "templates" / name).read_text(encoding="utf-8")


def written(chapter: Path, out: Path) -> list[str]:
    """Play the chapter's runs and write what they showed; which of them ended otherwise than they are meant to."""
    wrong: list[str] = []
    first = True

    def play(found: re.Match[str]) -> str:
        nonlocal first
        command, name, twin = found[1], found[2], bool(found[3])
        scenario = load(name, twin=twin)
        words = [*shlex.split(command)[1:], "--out", str(out), "--json"]
        subprocess.run(  # noqa: S603 - our own command line
            zdu_command(*words), stdout=subprocess.DEVNULL, check=False, timeout=RUN_WITHIN_S
        )
        folder = out / scenario.name / "latest"
        result = judge_run(RunFolder(folder)).result
        if result["verdict"] != scenario.ends.verdict:
            wrong.append(f"{command}: {result['verdict']}, not {scenario.ends.verdict}")
        if first:
            (chapter.parent / "img").mkdir(exist_ok=True)
            (chapter.parent / "img" / f"{chapter.stem}.svg").write_text(svg(folder), encoding="utf-8")
            first = False
        return f"<!-- seen: {command} -->\n\n```text\n{excerpt(result)}\n```\n\n<!-- seen: end -->"

    text = SEEN.sub(play, chapter.read_text(encoding="utf-8"))
    text = TASK.sub(lambda _: task_section(find_lesson(int(chapter.name[0]))), text)
    chapter.write_text(text, encoding="utf-8")
    return wrong


def main() -> int:
    """Write all chapters, or those whose numbers are given."""
    chosen = [
        path for path in sorted(CHAPTERS.glob("[0-9]-*.md")) if not sys.argv[1:] or path.name[0] in sys.argv[1:]
    ]
    with tempfile.TemporaryDirectory(prefix="zdu-tutorial-") as out:
        wrong = [line for chapter in chosen for line in written(chapter, Path(out))]
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
