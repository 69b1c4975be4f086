"""A scenario as a picture of its story: a tree for the terminal, Mermaid or DOT for pages. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.scenario.model import Scenario
from simulator.scenario.steps import Step

FORMATS = ("tree", "mermaid", "dot")


@dataclass(frozen=True)
class Vertex:
    """One step: what is written on it, and the lists of steps inside of it."""

    label: str
    branches: tuple[tuple["Vertex", ...], ...] = field(default=())


def vertices(scenario: Scenario) -> tuple[Vertex, ...]:
    """The story's steps, in the order of the file."""
    return tuple(map(_vertex, scenario.timeline))


def _vertex(step: Step) -> Vertex:
    branches: tuple[tuple[Step, ...], ...] = ()
    if step.parallel:
        branches = step.parallel.branches
    elif step.repeat:
        branches = (step.repeat.steps,)
    return Vertex(_label(step), tuple(tuple(map(_vertex, branch)) for branch in branches))


def _label(step: Step) -> str:
    """When it begins, what it does with what, and under which title."""
    words = [f"{key} {value}" for key, value in _when(step)]
    words.append(" ".join([step.action_name, *_attributes(step)]))
    return ", ".join(words) + (f" - {step.title}" if step.title else "")


def _when(step: Step) -> Iterator[tuple[str, str]]:
    said = step.model_dump(mode="json", by_alias=True, include={"at", "after", "when"}, exclude_none=True)
    yield from ((key, str(said[key])) for key in ("at", "after", "when") if key in said)


def _attributes(step: Step) -> Iterator[str]:
    said = step.action.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for key, value in said.items():
        if key not in {"branches", "steps"}:
            yield f"{key}={_written(value)}"


def _written(value: Any) -> str:
    """As it would stand in a file; a list of words goes without brackets."""
    match value:
        case list():
            words = [_written(one) for one in value]
            return f"[{', '.join(words)}]" if any(" " in word for word in words) else ",".join(words)
        case dict():
            return "{" + ", ".join(f"{key}: {_written(one)}" for key, one in value.items()) + "}"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
    return str(value)


def as_tree(scenario: Scenario) -> str:
    """For a terminal: one line a step, indented below what it is inside of."""
    return "\n".join([f"{scenario.name}: {scenario.title}", *_lines(vertices(scenario), "")])


def _lines(found: Sequence[Vertex], indent: str) -> Iterator[str]:
    for number, vertex in enumerate(found, start=1):
        last = number == len(found)
        yield f"{indent}{'└─' if last else '├─'} {vertex.label}"
        below = indent + ("   " if last else "│  ")
        for index, branch in enumerate(vertex.branches, start=1):
            if len(vertex.branches) > 1:
                yield f"{below}branch {index}"
            yield from _lines(branch, below)


@dataclass
class _Drawing:
    """Vertices with numbers, and what follows what."""

    names: list[str] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)

    def chain(self, found: Sequence[Vertex], before: Sequence[int]) -> list[int]:
        """Put one after the other, behind ``before``; the last of them, from which the story goes on."""
        ends = list(before)
        for vertex in found:
            number = self._put(vertex.label, ends)
            inner = [self.chain(branch, [number]) for branch in vertex.branches]
            ends = [end for ends_of in inner for end in ends_of] or [number]
        return ends

    def _put(self, label: str, before: Sequence[int]) -> int:
        self.names.append(label)
        number = len(self.names) - 1
        self.edges += [(end, number) for end in before]
        return number


def as_mermaid(scenario: Scenario) -> str:
    """For Markdown pages that draw Mermaid."""
    drawing = _drawn(scenario)
    nodes = [f'    s{number}["{_quoted(name)}"]' for number, name in enumerate(drawing.names)]
    edges = [f"    s{one} --> s{other}" for one, other in drawing.edges]
    return "\n".join(["flowchart TD", *nodes, *edges])


def as_dot(scenario: Scenario) -> str:
    """For Graphviz."""
    drawing = _drawn(scenario)
    nodes = [f'  s{number} [label="{_escaped(name)}"];' for number, name in enumerate(drawing.names)]
    edges = [f"  s{one} -> s{other};" for one, other in drawing.edges]
    return "\n".join([f'digraph "{scenario.name}" {{', "  node [shape=box];", *nodes, *edges, "}"])


def _drawn(scenario: Scenario) -> _Drawing:
    drawing = _Drawing()
    drawing.chain(vertices(scenario), [])
    return drawing


def _quoted(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


DRAW = {"tree": as_tree, "mermaid": as_mermaid, "dot": as_dot}
