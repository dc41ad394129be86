import pytest
from hypothesis import given, strategies as st

from server.web.taxii.negotiation import accepts_taxii, is_taxii


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "*/*",
        "application/*",
        "application/taxii+json",
        "application/taxii+json;version=2.1",
        "application/taxii+json; version=2.1",
        "application/taxii+json ; version = 2.1",
        'application/taxii+json;version="2.1"',
        "APPLICATION/TAXII+JSON;VERSION=2.1",
        "application/taxii+json;version=2.1;q=0.5",
        "application/taxii+json;version=2.0, application/taxii+json;version=2.1",
        "text/html, application/xhtml+xml, */*;q=0.8",
        "application/json, application/taxii+json;version=2.1;q=0.1",
        'text/plain;a="x,y;q=0", */*',
    ],
)
def test_accept_headers_of_known_clients_match(header: str | None) -> None:
    assert accepts_taxii(header)


@pytest.mark.parametrize(
    "header",
    [
        "application/json",
        "text/html",
        "application/taxii+json;version=2.0",
        "application/vnd.oasis.taxii+json; version=2.0",
        "application/taxii+json;version=2.1;q=0",
        "application/taxii+json;version=2.1;q=0, */*",
        "application/taxii+json;q=x",
        "*/taxii+json",
        "nonsense",
        ",",
    ],
)
def test_other_accept_headers_do_not_match(header: str) -> None:
    assert not accepts_taxii(header)


@pytest.mark.parametrize(
    ("header", "good"),
    [
        ("application/taxii+json;version=2.1", True),
        ("application/taxii+json", True),
        ("Application/TAXII+json; Version=2.1; charset=utf-8", True),
        (None, False),
        ("", False),
        ("application/json", False),
        ("application/taxii+json;version=2.0", False),
        ("application/stix+json;version=2.1", False),
        ("application/taxii+json;version=2.1, application/json", False),
    ],
)
def test_a_body_is_taxii_or_not(header: str | None, good: bool) -> None:
    assert is_taxii(header) is good


@given(st.text(max_size=40))
def test_any_header_matches_or_not_without_an_error(header: str) -> None:
    assert accepts_taxii(header) in (True, False)
    assert is_taxii(header) in (True, False)
