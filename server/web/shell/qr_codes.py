"""QR codes in pages."""

import segno
from markupsafe import Markup


def svg(text: str) -> Markup:
    """Return the QR code of a text as SVG; the markup does not contain the text."""
    return Markup(segno.make(text, error="m").svg_inline(scale=5, border=3, omitsize=True))  # noqa: S704
