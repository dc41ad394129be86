"""Write the tables of docs/reasons.md from the reasons in the release rules: ``python -m tools.reasons_page``."""

import re
from pathlib import Path

from server.release.reasons import Reason
from server.release.results import Result

PAGE = Path(__file__).parents[1] / "docs" / "reasons.md"
_PART = re.compile(r"(<!-- written by make generate: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rewritten(text: str) -> str:
    """Return the page's text with its tables as the reasons are now."""
    return _PART.sub(lambda part: part[1] + "\n".join([*_table(Result[part[2].upper()]), part[3]]), text)


def _table(result: Result) -> list[str]:
    """Return the lines of the table of all reasons with one result."""
    rows = [
        f"| `{reason.code}` | {_cell(reason.message)} | {_cell(reason.action)} |"
        for reason in Reason
        if reason.result is result
    ]
    return ["| code | message | what the sender can do |", "| --- | --- | --- |", *rows]


def _cell(text: str) -> str:
    """Return a text with its placeholders in italics."""
    return re.sub(r"{(\w+)}", r"*\1*", text)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
