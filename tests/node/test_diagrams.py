from pathlib import Path

from node.diagrams import mermaid, state_machines_page

PAGE = Path(__file__).parents[2] / "docs" / "state-machines.md"


def test_the_page_in_the_docs_is_drawn_from_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == state_machines_page(), (
        "draw it again: python -P -m node.diagrams > docs/state-machines.md"
    )


def test_moves_between_the_same_two_states_share_an_arrow() -> None:
    drawn = mermaid("A", [("A", "go", "B"), ("A", "(seen)", "B"), ("B", "back", "A")])

    assert drawn == "stateDiagram-v2\n    [*] --> A\n    A --> B: go / (seen)\n    B --> A: back"
