"""Write the tables of docs/reasons.md from the tables of reasons in the code: ``python -m tools.reasons_page``."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from schemas import kinds
from schemas.errors import Rejected
from schemas.refang import refang
from server.release.reasons import Reason
from server.release.results import Result
from server.taxii.errors import REASONS

PAGE = Path(__file__).parents[1] / "docs" / "reasons.md"
_PART = re.compile(r"(<!-- written by make generate: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rewritten(text: str) -> str:
    """Return the page's text with its tables as the reasons are now."""
    return _PART.sub(lambda part: part[1] + "\n".join([*_lines(part[2]), part[3]]), text)


def _lines(name: str) -> list[str]:
    """Return the lines of the table of that name: ``requests``, ``values``, or a result of the release rules."""
    if name == "requests":
        return _table_of_requests()
    return _table_of_values() if name == "values" else _table(Result[name.upper()])


def _table(result: Result) -> list[str]:
    """Return the lines of the table of all reasons with one result."""
    rows = [
        f"| `{reason.code}` | {_cell(reason.message)} | {_cell(reason.action)} |"
        for reason in Reason
        if reason.result is result
    ]
    return ["| code | message | what the sender can do |", "| --- | --- | --- |", *rows]


def _table_of_requests() -> list[str]:
    """Return the lines of the table of the reasons for which a request is refused as a whole."""
    rows = [
        f"| `{code}` | {reason.status} | {_cell(reason.problem)} | {_cell(reason.remedy)} |"
        for code, reason in sorted(REASONS.items(), key=lambda pair: pair[1].status)
    ]
    return ["| code | HTTP status | problem | what the sender can do |", "| --- | --- | --- | --- |", *rows]


def _table_of_values() -> list[str]:
    """Return the lines of the table of all reasons for which a kind refuses a value, with a message of each."""
    rows = [
        f"| `{name}` | `{code}` | {_cell(textwrap.shorten(message, 200, placeholder=' …'))} |"
        for name in kinds.every()
        for code, message in sorted(dict(_refusals(name)).items())
    ]
    return ["| kind | code | message, for example |", "| --- | --- | --- |", *rows]


def _refusals(name: str) -> Iterator[tuple[str, str]]:
    """Yield code and message for each refused example of a kind, from the last to the first."""
    kind = kinds.get(name)
    for example in reversed(list(kind.examples())):
        if example.reason:
            try:
                kind.normalise(refang(example.raw), example.given)
            except Rejected as refusal:
                yield refusal.reason, refusal.message


def _cell(text: str) -> str:
    """Return a text with its placeholders in italics."""
    return re.sub(r"{(\w+)(?::[^}]*)?}", r"*\1*", text)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
