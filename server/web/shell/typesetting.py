"""Documents on paper: a Typst template with data becomes PDF/A, in the fonts of this folder."""

from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import orjson

_FONTS = Path(__file__).parent / "fonts"


class PdfUnavailable(Exception):
    """The library for PDFs is not installed; the message says how to install it."""


def makes_pdfs() -> bool:
    """Return whether the library for PDFs is installed."""
    return find_spec("typst") is not None


def typeset(
    template: Path,
    data: Mapping[str, Any],
    made: datetime,
    standard: Literal["a-2b", "a-3b"] = "a-2b",
    **inputs: str,
) -> bytes:
    """Return the PDF of a template, which gets ``data`` as JSON and more ``inputs``, and is dated ``made``.

    The same data give the same bytes. Raises ``PdfUnavailable``.
    """
    try:
        import typst
    except ImportError:
        raise PdfUnavailable("a PDF needs the extra pdf: pip install 'scamfeed[pdf]'") from None
    document = typst.compile(
        str(template),
        font_paths=[str(_FONTS)],
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": orjson.dumps(data).decode(), **inputs},
        pdf_standards=standard,
        timestamp=int(made.timestamp()),
    )
    return bytes(document)
