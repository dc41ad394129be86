"""The public page and the explanation page show a value's site, in both languages."""

import pytest
from flask import Flask

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.fuse.newcomers import NewcomerRule
from server.release.hub import Hub
from server.release.route.policy import Policy
from server.store import Store, partners
from server.store.item import Item
from server.store.operators.users import OperatorRole
from tests.unit.server.web.shell.people import visitor_of

SITE = "rogue-shop.com"


@pytest.fixture
def reported(app: Flask, store: Store) -> Flask:
    police = Partner(name="Police", kind=PartnerKind.GOVERNMENT, country="TH", identity=ids.identity("Police"))
    reader = ReportReader({"reporter": "Police", "tlp": "clear", "reported_at": timestamp.text(timestamp.now())})
    with store.begin() as tx:
        partners.add(tx, police)
    for kind, value in (("domain", SITE), ("url", "https://one-page.com/pay"), ("url", f"https://{SITE}/known")):
        report = reader.report({"kind": kind, "value": value, "scam_type": "investment"})
        with store.begin() as tx:
            contribute(
                Hub(store, Policy(newcomers=NewcomerRule(0, 0))), tx, police, list(map(Item.of, to_stix(report)))
            )
    return app


def _checked(app: Flask, value: str, language: str = "en") -> str:
    return app.test_client().post(f"/check?lang={language}", data={"value": value}).text


@pytest.mark.parametrize("value", [f"https://www.{SITE}/pay", f"pay.{SITE}", f"help@{SITE}"])
def test_value_at_a_reported_site_gets_a_warning(reported: Flask, value: str) -> None:
    page = _checked(reported, value)
    assert f"This exact address has not been reported, but its website {SITE} has:" in page
    assert "We have no report of it" not in page
    thai = _checked(reported, value, "th")
    assert f"ยังไม่มีรายงานเกี่ยวกับที่อยู่นี้โดยตรง แต่เว็บไซต์ {SITE} ถูกรายงานแล้ว" in thai
    assert "its website" not in thai


def test_a_reported_page_names_its_site_too(reported: Flask) -> None:
    assert f"Its website {SITE} has been reported too." in _checked(reported, f"https://{SITE}/known")


def test_pages_of_a_host_are_mentioned(reported: Flask) -> None:
    page, thai = (_checked(reported, "one-page.com", language) for language in ("en", "th"))
    assert "We have no report of it" in page
    assert "Pages of this website have been reported" in page
    assert "https://one-page.com/pay" in page
    assert "มีรายงานเกี่ยวกับบางหน้าของเว็บไซต์นี้" in thai
    assert "Pages of this website" not in _checked(reported, "https://one-page.com/other")


def test_a_shared_service_is_no_site(reported: Flask) -> None:
    assert "We have no report of it" in _checked(reported, "someone@gmail.com")


def test_an_explanation_has_the_site(reported: Flask) -> None:
    analyst = visitor_of(reported, OperatorRole.ANALYST)
    page = analyst.send("/console/explain", about=f"help@{SITE}")
    assert page.status_code == 200
    assert "the site of the value that you asked about" in page.text
    assert "the site of the value" not in analyst.send("/console/explain", about=SITE).text
