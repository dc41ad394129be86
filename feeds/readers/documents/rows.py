"""Rows from the parts of a document: tables by their columns, forms by their labels, the rest as prose."""

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO

from feeds.errors import UnreadableFile
from feeds.readers import table
from feeds.readers.columns import roles
from feeds.readers.documents.parts import Attached, Part, Table, Text, UnreadPart
from feeds.readers.extraction.prose import ProseReader, TextContext
from feeds.readers.rows import FileRow, Unreadable, in_part
from feeds.readers.source import ReadInside, Source

_UNREADABLE = "unreadable-file"


def rows_of_parts(parts: Iterable[Part], source: Source) -> Iterator[FileRow]:
    """Yield the rows of all parts of the document in ``source``, in order; its name may name the values' owner."""
    rows = _rows_of_parts(parts, source)
    yield from roles.refused(rows) if roles.is_list_of_others(source.title) else rows


def _rows_of_parts(parts: Iterable[Part], source: Source) -> Iterator[FileRow]:
    found = list(parts)
    lines = [line for part in found if isinstance(part, Text) for line in part.lines]
    prose = ProseReader(TextContext(lines, source.country))
    for part in found:
        if isinstance(part, Text):
            for number, line in enumerate(part.lines, part.line):
                yield from in_part(prose.rows(number, line), part.part)
        elif isinstance(part, Table):
            yield from _rows_of_table(part, prose, source.kind)
        elif isinstance(part, UnreadPart):
            yield Unreadable.of(part.place, part.raw, part.reason, part.message)._replace(part=part.part)
        else:
            yield from prose.finish()
            yield from in_part(_rows_of_file(part, source.inside), part.name)
    yield from prose.finish()


def _rows_of_table(found: Table, prose: ProseReader, kind: str | None) -> Iterator[FileRow]:
    """Yield the rows of a table whose columns are known, or else its cells as labels and values in prose."""
    records = [(line, without_merged(cells)) for line, cells in found.rows if any(cells)]
    if table.has_known_columns(records):
        yield from in_part(prose.finish(), found.part)
        of_others = any(map(roles.names_others, (found.part, prose.heading)))
        rows = table.rows_of_sheet(iter(records), found.part, kind, of_others=of_others)
        yield from prose.without_owned(rows)
        return
    others = roles.columns_of_others([cells for _, cells in records])
    for line, whole in records:
        yield from in_part(roles.refused_cells(line, whole, others), found.part)
        cells = ["" if place in others and roles.has_digits(cell) else cell for place, cell in enumerate(whole)]
        filled = [cell for cell in cells if cell]
        text = f"{filled[0].rstrip(':：')}: {filled[1]}" if len(filled) == 2 else f"| {' | '.join(cells)} |"
        yield from in_part(prose.rows(line, text), found.part)
    yield from in_part(prose.rows(records[-1][0] if records else 1, ""), found.part)


def without_merged(cells: Sequence[str]) -> list[str]:
    """Return a row, with only the first cell of a title that is merged over all of its columns."""
    return [cells[0], *([""] * (len(cells) - 1))] if len(set(cells)) == 1 else list(cells)


def _rows_of_file(file: Attached, read: ReadInside | None) -> Iterator[FileRow]:
    try:
        if read is None:
            raise UnreadableFile("files inside this one are not read: send them alone")
        yield from read(BytesIO(file.data), file.name)
    except UnreadableFile as error:
        yield Unreadable.of(file.place, file.name, _UNREADABLE, str(error))
