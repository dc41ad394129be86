"""CSV, and tables with tabs, semicolons or bars between their cells."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO, ClassVar

from feeds.format import Example, Format, Head
from feeds.readers import table
from feeds.readers.columns import roles
from feeds.readers.columns.values_in_cells import has_value
from feeds.readers.columns.vocabulary import is_subject_column
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import HEAD, Source, decode
from schemas import tabular
from schemas.report import Report


class Csv(Format):
    """A table with a header, or without one if its first row is data."""

    name: ClassVar[str] = "csv"
    endings: ClassVar[tuple[str, ...]] = ("csv", "tsv", "tab")
    writes: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return a high score for a known header, a lower one for lines of several cells."""
        lines = [line for line in head.lines[:100] if not line.startswith(("#", "sep="))]
        if not lines:
            return 0
        delimiter = table.delimiter_of(head.text)
        top = list(csv.reader(lines[:20], delimiter=delimiter or ","))
        # There may be a title above the header.
        first = next((cells for cells in top if len(cells) > 1), top[0])
        if any(map(is_subject_column, first)) and not has_value(first):
            return 0.85
        if delimiter is None:
            # A list under the heading of a victim: a plain list has no headings.
            return (
                0.5 if any(len(cells) == 1 and roles.is_of_somebody_else(cells[0], named=False) for cells in top) else 0
            )
        return 0.6 if len(first) > 1 else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield the rows; a repeated header is skipped."""
        return table.rows(source, table.delimiter_of(decode(source.head[:HEAD])) or ",")

    def examples(self) -> Iterable[Example]:
        two = [{"value": "a.example.com", "kind": "domain"}, {"value": "b.example.com", "kind": "domain"}]
        yield Example(b"domain\na.example.com\nb.example.com\n", two)
        yield Example(b"\xef\xbb\xbfkind,value\r\ndomain,a.example.com\r\n\r\ndomain,b.example.com\r\n", two)
        yield Example(b"kind;value\ndomain;a.example.com\nkind;value\ndomain;b.example.com\n", two)
        yield Example(b"sep=\t\nkind\tvalue\ndomain\ta.example.com\n# none\ndomain\tb.example.com\n", two)
        yield Example(b"domain,a.example.com\ndomain,b.example.com\n", two)
        yield Example(b"Scam domains of 2026\n\nNo.,Domain\n1,a.example.com\n2,b.example.com\n", two)
        yield Example(
            b"phone,bank\n6.6812E+10,X\n66812345678,X\n",
            [{"value": "66812345678", "kind": "phone"}],
            ("digits-lost",),
        )
        yield Example(
            b"# id,domain,description\n1,a.example.com,x\n2,b.example.com,y\n",
            [row | {"description": d} for row, d in zip(two, "xy", strict=True)],
        )
        yield Example(
            b"type,indicator,classification,detected_date\ndomain,a[.]example[.]com,phishing,2024-02-13\n"
            b"domain,good[.]example[.]com,legitimate,2024-02-13\nip,192[.]0[.]2[.]7,other,2024-02-13\n",
            [
                {
                    "value": "a[.]example[.]com",
                    "kind": "domain",
                    "scam_type": "credential-phishing",
                    "first_seen": "2024-02-13",
                },
                {"value": "192[.]0[.]2[.]7", "kind": "ip", "first_seen": "2024-02-13"},
            ],
            ("not-a-scam",),
        )
        yield Example(
            b"phone,votes,lastActivity\n+66812345678,22,1773159201000\n+66812345679,0,1773159201000\n",
            [{"value": "+66812345678", "kind": "phone", "last_seen": "1773159201000"}],
            ("not-a-scam",),
        )
        yield Example(
            "เลขบัญชี,ธนาคาร,ชื่อบัญชี\n123-4-56789-0,KBANK,X\n,KBANK,X\n".encode("cp874"),
            [{"account_number": "123-4-56789-0", "bank": "KBANK", "kind": "bank-account"}],
            ("no-value",),
        )
        yield Example(
            b'value,description\na.example.com,"two\nlines, ""quoted"""\n'
            b'b.example.com,"never closed\nc.example.com,5" disk\n',
            [
                {"value": "a.example.com", "description": 'two\nlines, "quoted"'},
                {"value": "c.example.com", "description": '5" disk'},
            ],
            ("unclosed-quote",),
        )
        yield Example(b"value,tlp\na.example.com,red,b.example.com\n", [], ("too-many-cells",))
        yield Example(b"country,length,structure\nAD,24,F04F04A12\n", [], ("no-value-column",))

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write columns that read back as the same reports, and no cell that a spreadsheet would execute."""
        text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
        writer = csv.DictWriter(text, tabular.column_names(), extrasaction="ignore")
        writer.writeheader()
        count = 0
        for report in reports:
            cells = tabular.report_columns(report)
            writer.writerow({key: tabular.harmless_cell(cell) for key, cell in cells.items()})
            count += 1
        text.detach()
        return count
