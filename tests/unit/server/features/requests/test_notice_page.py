"""The page of a notice with takedown requests: exact locations, marks with names, times and responses."""

import io

import pdfplumber
import pytest

from schemas.partner import Partner
from schemas.takedown import ServedBy, location_sha256
from server.features.notices.document import pdf_of
from server.features.notices.statement import statement, value_of
from server.features.requests.serving import served
from server.release.hub import Hub
from tests.unit.server.features.requests.test_requests import sent
from tests.unit.server.features.requests.test_takedowns import LOCATION, answered, hub, notice, platform, police

__all__ = ["hub", "platform", "police"]


def page_of(hub: Hub, platform: Partner, value: str, language: str = "en") -> str:
    with hub.store.read() as tx:
        stated = statement(tx, value_of(value), platform)
    pdf = pdf_of({"statement": stated, "signatures": [{"key": "0" * 64}]}, language)
    with pdfplumber.open(io.BytesIO(pdf)) as document:
        [page] = document.pages
        return page.extract_text()


@pytest.mark.parametrize("language", ["en", "th"])
def test_page_names_the_characters_that_look_alike(hub: Hub, police: Partner, platform: Partner, language: str) -> None:
    id_ = sent(hub, police, notice()).view.id
    if language == "en":
        assert "no proof that it was received" in page_of(hub, platform, LOCATION)
    with hub.store.begin() as tx:
        served(tx, [id_], ServedBy.API)
    sent(hub, platform, answered(id_, "removed"))
    page = page_of(hub, platform, LOCATION, language)
    whole = " ".join(page.split())
    assert "letter l, capital I, digit one, vertical bar, digit zero, capital O" in whole
    assert "cyrillic small letter a (U+0430)" in whole
    assert "Cyrillic, Latin" in whole
    assert location_sha256(LOCATION) in page
    assert "removed (" in whole


@pytest.mark.long
def test_many_requests_with_long_locations_stay_on_one_page(hub: Hub, police: Partner, platform: Partner) -> None:
    place = "https://shop.example.com/" + "lI1|0O" * 330
    for number in range(5):
        sent(hub, police, notice(of=place, reference=f"CASE-{number}"))
    page = page_of(hub, platform, place)
    assert page.count("SHA-256 of the location") == 3
    assert "2 more in the attached file" in page
