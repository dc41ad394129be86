"""Every reason is in one table, and the page about reasons shows the table."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.release.reasons import Reason, reasons_of
from tools import reasons_page

RELEASE = Path(__file__).parents[4] / "server" / "release"
# What an operator loads or asks for is refused to the operator alone, and no contribution meets it.
_OF_OPERATORS = {
    "list-form",
    "list-content",
    "list-shrunk",
    "list-unknown",
    "not-a-value",
    "id-of-several",
    "not-stored",
    "not-open",
}
# What endpoints beside TAXII answer to whoever asked them, and no status of a contribution shows.
_OF_ENDPOINTS = {"not-listed", "refused", "bad-note", "no-contacts"}


def _literal_codes() -> Iterator[tuple[Path, str]]:
    """Yield the codes that stand as literals in ``Rejected(…)`` in the release rules."""
    for file in RELEASE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Rejected"):
                continue
            if node.args and isinstance(node.args[0], ast.Constant):
                yield file, str(node.args[0].value)


def test_every_code_in_use_is_in_the_table() -> None:
    known = {reason.code for reason in Reason} | _OF_OPERATORS | _OF_ENDPOINTS
    assert [(file.name, code) for file, code in _literal_codes() if code not in known] == []


def test_every_reason_is_used() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in RELEASE.rglob("*.py"))
    assert [reason.name for reason in Reason if f"Reason.{reason.name}" not in text] == []


def test_no_reason_has_the_name_of_an_allowlist() -> None:
    assert {reason.code for reason in Reason}.isdisjoint(ALLOWLISTS)


@pytest.mark.parametrize("reason", list(Reason), ids=lambda reason: reason.name)
def test_a_reason_is_a_sentence_with_a_way_out(reason: Reason) -> None:
    details = dict.fromkeys(re.findall(r"{(\w+)}", reason.message + reason.action), "x")
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", reason.code)
    assert reason.text(**details) == f"{reason.message}: {reason.action}".format(**details)
    assert reason in reasons_of(reason.code)
    assert not reason.text(**details).endswith(".")


def test_the_page_shows_the_table() -> None:
    page = reasons_page.PAGE.read_text(encoding="utf-8")
    assert reasons_page.rewritten(page) == page
