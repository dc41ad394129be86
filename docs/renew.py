"""Write the lists of words in ``reports.md`` anew (``make generate``); what else it says is left as it is."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from schemas import kinds  # noqa: E402 - needs the path above
from schemas.vocabulary import ScamType  # noqa: E402

PAGE = "reports.md"
_LISTS = {"kinds": [*kinds.every()], "scam types": [word.value for word in ScamType]}


def page() -> str:
    """Give the page, its lists as the code is now."""
    text = (HERE / PAGE).read_text(encoding="utf-8")
    for name, words in _LISTS.items():
        begin, end = f"<!-- {name}, written by make generate -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{', '.join(f'`{word}`' for word in words)}{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    made = page()
    (HERE / PAGE).write_text(made, encoding="utf-8")
