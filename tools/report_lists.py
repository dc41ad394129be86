"""Renew the lists of words in docs/reports.md from the code: ``python -m tools.report_lists``."""

from pathlib import Path

from schemas import kinds
from schemas.vocabulary import ScamType

PAGE = Path(__file__).parents[1] / "docs" / "reports.md"
_LISTS = {"kinds": [*kinds.every()], "scam types": [word.value for word in ScamType]}


def page() -> str:
    """Return the page with its lists as the code is now."""
    text = PAGE.read_text(encoding="utf-8")
    for name, words in _LISTS.items():
        begin, end = f"<!-- {name}, written by make generate -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{', '.join(f'`{word}`' for word in words)}{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
