"""All reasons are in one table, which the page about reasons shows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.release.reasons import Reason, reasons_of

SERVER = Path(__file__).parents[4] / "server"
# Refusals of operator input are shown to the operator only, and never apply to contributions.
_OF_OPERATORS = {
    "list-form",
    "list-content",
    "list-shrunk",
    "list-unknown",
    "not-a-value",
    "id-of-several",
    "not-stored",
    "not-open",
    "no-register",
}
# Refusals by endpoints outside TAXII are returned to the client, and never appear in a status.
_OF_ENDPOINTS = {
    *(
        "incident-changed",
        "incident-decided",
        "incident-running",
        "incident-unfinished",
        "no-condition",
        "no-reports",
        "no-time",
    ),
    *(
        "file-too-large",
        "not-values",
        "short-search",
        "too-many-reports",
        "too-many-values",
        "too-much-to-read",
        "unknown-kind",
    ),
    *("not-listed", "refused", "bad-note", "no-contacts"),
    *("changed-meanwhile", "same-finding", "row-twice", "unknown-code"),
    *("bad-columns", "unknown-option", "bank-missing", "bad-date", "no-value", "bad-hold"),
    *("bad-code", "indicator-unknown", "several-kinds", "no-subject"),
}
_OF_ACTS = re.compile(r"^(operations|decisions|api|\w*commands|\w*pages)\.py$")


def _literal_codes() -> Iterator[tuple[Path, str]]:
    """Yield the codes that are literals in ``Rejected(…)`` in the release rules and the features.

    Operations and front ends refuse with codes of their own, which no status has.
    """
    files = [*SERVER.glob("release/**/*.py"), *SERVER.glob("features/**/*.py")]
    for file in (file for file in files if not _OF_ACTS.search(file.name)):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Rejected"):
                continue
            if node.args and isinstance(node.args[0], ast.Constant):
                yield file, str(node.args[0].value)


def test_every_code_in_use_is_in_the_table() -> None:
    known = {reason.code for reason in Reason} | _OF_OPERATORS | _OF_ENDPOINTS
    assert [(file.name, code) for file, code in _literal_codes() if code not in known] == []


def test_every_reason_is_used() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in SERVER.rglob("*.py"))
    assert [reason.name for reason in Reason if f"Reason.{reason.name}" not in text] == []


def test_no_reason_has_the_name_of_an_allowlist() -> None:
    assert {reason.code for reason in Reason}.isdisjoint(ALLOWLISTS)


@pytest.mark.parametrize("reason", list(Reason), ids=lambda reason: reason.name)
def test_reason_is_a_sentence_with_advice(reason: Reason) -> None:
    details = dict.fromkeys(re.findall(r"{(\w+)}", reason.message + reason.action), "x")
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", reason.code)
    assert reason.text(**details) == f"{reason.message}: {reason.action}".format(**details)
    assert reason in reasons_of(reason.code)
    assert not reason.text(**details).endswith(".")
