"""PDF documents."""

from collections.abc import Iterable
from typing import ClassVar

from feeds.format import DocumentFormat, Example, Head


class PdfDocument(DocumentFormat):
    """The tables of each page by their headers, and its lines as prose; a scanned page is refused."""

    name: ClassVar[str] = "pdf"
    endings: ClassVar[tuple[str, ...]] = ("pdf",)
    binary: ClassVar[bool] = True
    reader: ClassVar[str] = "pdf"

    def score(self, head: Head) -> float:
        """Return certainty for the beginning of every PDF document."""
        return 1 if head.magic.startswith(b"%PDF") else 0

    def examples(self) -> Iterable[Example]:
        yield Example(
            build_pdf(["Domains of these scams:", "- a.example.com", "- b.example.com"]),
            [{"value": "a.example.com"}, {"value": "b.example.com"}],
        )


def build_pdf(lines: Iterable[str]) -> bytes:
    """Return a document of one page with these lines of ASCII."""
    text = "".join(f"({_escaped(line)}) Tj T*\n" for line in lines)
    stream = f"BT /F1 11 Tf 14 TL 60 780 Td\n{text}ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    trailer = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return out + f"{trailer}startxref\n{len(out)}\n%%EOF\n".encode()


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
