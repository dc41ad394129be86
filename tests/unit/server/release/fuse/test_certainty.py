"""One organisation's report of a value where the harm of an error is large."""

from typing import Any

import pytest

from schemas.report import Report
from schemas.vocabulary import Action
from server.release.fuse.hubs import fuse_all
from server.release.fuse.statements import Statement
from tests.unit.server.release.statement_examples import NOON, partner

CAPTURE = ({"sha256": "ab" * 32},)


def reported(number: int, value: str, kind: str = "domain", confidence: int = 95, **columns: Any) -> Statement:
    data = {"kind": kind, "value": value, "reporter": f"Partner {number}", "reported_at": NOON, **columns}
    report = Report.model_validate({**data, "confidence": confidence})
    return Statement(partner(number), report, f"indicator--{number}")


def grade(*statements: Statement) -> str:
    return fuse_all(statements, at=NOON).grade.value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("domain", "login.faculty.ac.th"),
        ("domain", "files.ministry.go.th"),
        ("domain", "savings.bank.in"),
        ("url", "https://pay.agency.gov.sg:8443/refund?case=1"),
        ("url", "https://www.academy.edu.my/login"),
        ("email", "refunds@tax.gob.mx"),
    ],
)
def test_one_report_of_an_institutions_name_is_warn_at_most(kind: str, value: str) -> None:
    alone = reported(1, value, kind)
    assert grade(alone) == "warn"
    assert grade(alone, reported(2, value, kind)) == "block"
    assert grade(alone, reported(2, value, kind, 20)) == "warn"
    assert grade(reported(1, value, kind, evidence=CAPTURE)) == "block"
    assert grade(alone._replace(partner=partner(1, authority=(kind,)))) == "block"
    assert grade(reported(1, value, kind, 30)) == "monitor"


def test_second_partner_of_the_same_organisation_does_not_make_it_sure() -> None:
    value = "files.ministry.go.th"
    one, other = reported(1, value), reported(2, value)
    same = other._replace(partner=partner(2, organisation=one.partner.counts_as))
    assert grade(one, same) == "warn"


@pytest.mark.parametrize(
    "value", ["shop.example.co.th", "shop.example.or.id", "goth.example.com", "go.th.example.com", "shop.example.go.it"]
)
def test_one_report_of_any_other_name_blocks(value: str) -> None:
    assert grade(reported(1, value)) == "block"


def test_unsure_statement_alone_warns_and_a_second_organisation_lifts_it() -> None:
    unsure = reported(1, "shop.example.com")._replace(unsure=True)
    assert grade(unsure) == "warn"
    assert grade(unsure, reported(2, "shop.example.com")) == "block"
    assert grade(unsure, reported(2, "shop.example.com", confidence=10)) == "warn"
    assert grade(unsure._replace(second_hand=True)) == "warn"
    assert grade(unsure, reported(2, "shop.example.com", confidence=95, action=Action.WARN)) == "block"
