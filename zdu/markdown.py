"""Markdown that is written by programs: tables, and where in a document they stand. Pure."""

from collections.abc import Sequence

from zdu.errors import UsageError


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose source can be read too: first column left, the others right, all padded."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]

    def line(row: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return f"| {' | '.join([first, *others])} |"

    ruler = (
        "|" + "|".join("-" * (widths[0] + 2) if not i else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    )
    return "\n".join([line(cells[0]), ruler, *map(line, cells[1:])])


def replaced_between_markers(document: str, name: str, text: str) -> str:
    """``document`` with ``text`` between ``<!-- name -->`` and ``<!-- /name -->``.

    Raises UsageError if the markers are not there, each once and in this order.
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if document.count(begin) != 1 or document.count(end) != 1 or document.index(begin) > document.index(end):
        raise UsageError(f"the document must have {begin} and then {end}, each once")
    before, rest = document.split(begin)
    after = rest.split(end)[1]
    return f"{before}{begin}\n{text.strip()}\n{end}{after}"
