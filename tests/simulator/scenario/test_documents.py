"""How a file becomes a tree with places, or a message about why it cannot."""

from pathlib import Path

import pytest

from simulator.scenario.document import MAX_BYTES, parse_document, plain, read_document
from simulator.scenario.mistakes import ScenarioError


def mistakes_of(text: str) -> list[str]:
    try:
        return [str(mistake) for mistake in parse_document(text, "f").mistakes]
    except ScenarioError as error:
        return [str(mistake) for mistake in error.mistakes]


def test_values_are_what_yaml_1_2_takes_them_for() -> None:
    text = "{a: 1, b: 1.5, c: true, d: no, e: null, f: '1', g: 0x1f, h: .inf, i: 2026-01-01, j: [x, {k: v}], l: 0o17}"
    assert plain(parse_document(text, "f").root) == {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": "no",
        "e": None,
        "f": "1",
        "g": 31,
        "h": float("inf"),
        "i": "2026-01-01",
        "j": ["x", {"k": "v"}],
        "l": 15,
    }


def test_every_duplicate_key_is_told_with_the_line_of_the_first() -> None:
    assert mistakes_of("a: 1\nb:\n  c: 1\n  c: 2\na: 2\na: 3\n") == [
        "f:4:3: the key 'c' is here twice; first on line 3",
        "f:5:1: the key 'a' is here twice; first on line 1",
        "f:6:1: the key 'a' is here twice; first on line 1",
    ]


@pytest.mark.parametrize("text", ["", "   \n", "# only a comment\n", "---\n"])
def test_an_empty_file_is_told_with_a_way_to_start(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_document(text, "f")
    assert [str(mistake) for mistake in caught.value.mistakes] == ["f:1:1: the file is empty"]
    assert "zdu scenario show valiantys" in caught.value.hint


def test_a_tab_is_named_as_what_it_is() -> None:
    assert mistakes_of("a:\n\tb: 1\n") == ["f:2:1: a tab; YAML indents with spaces only"]


def test_broken_syntax_has_its_place() -> None:
    (message,) = mistakes_of("a: 1\nb: [1, 2\nc: 3\n")
    assert message.startswith("f:3:")
    assert "this is not YAML" in message


def test_a_second_document_in_the_file_is_a_mistake() -> None:
    (message,) = mistakes_of("a: 1\n---\nb: 2\n")
    assert message.startswith("f:2:1: this is not YAML")


def test_a_control_character_has_its_place() -> None:
    (message,) = mistakes_of("a: 1\nb: x\x07y\n")
    assert message.startswith("f:2:5: this is not YAML")


def test_an_alias_to_what_contains_it_is_a_mistake_not_an_endless_loop() -> None:
    assert mistakes_of("a: &x\n  b: *x\n") == ["f:1:4: this value contains itself, by an alias"]


def test_aliases_cannot_make_a_small_file_enormous() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (message,) = mistakes_of("\n".join(lines))
    assert "too many aliases" in message


def test_endless_nesting_is_a_mistake() -> None:
    (message,) = mistakes_of("[" * 5000)
    assert message == "f:1:1: is nested too deeply"


def test_a_key_that_is_a_list_is_a_mistake() -> None:
    assert mistakes_of("? [a, b]\n: 1\nc: 2\n") == ["f:1:3: a key must be a single word"]


def test_a_file_in_another_encoding_is_told_where_it_stops_being_utf8(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes("name: x\ntitle: Prüfung\n".encode("latin-1"))
    with pytest.raises(ScenarioError) as caught:
        read_document(file, "latin.yaml")
    (mistake,) = caught.value.mistakes
    assert str(mistake) == "latin.yaml:2:10: is not UTF-8 from here on (byte 0xfc); save the file as UTF-8"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "bom.yaml"
    file.write_bytes(b"\xef\xbb\xbfname: x\n")
    assert plain(read_document(file).root) == {"name": "x"}


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read: Is a directory"):
        read_document(tmp_path, "folder")


def test_a_file_too_large_for_a_scenario_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text("#" * (MAX_BYTES + 1))
    with pytest.raises(ScenarioError, match="not a scenario"):
        read_document(file)
