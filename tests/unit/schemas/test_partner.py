"""Contacts are role addresses, pages or hotlines; agents are matched with institutions."""

import pytest
from hypothesis import given, strategies as st

from schemas.errors import Rejected
from schemas.partner import agent_keys, checked_institution, institution_keys, valid_contact


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" protection@agency.example ", "protection@agency.example"),
        ("Fraud-Desk@Bank.Example", "Fraud-Desk@bank.example"),
        ("th.victim.referral@agency.example", "th.victim.referral@agency.example"),
        ("https://agency.example/report", "https://agency.example/report"),
        ("1441", "tel:1441"),
        ("tel:1441", "tel:1441"),
        ("+66 2 123 4567", "tel:+6621234567"),
        ("tel:+1-800-356-9377", "tel:+18003569377"),
        ("โทร. ๑๔๔๑", "tel:1441"),
    ],
)
def test_role_address_page_and_hotline_are_accepted(written: str, kept: str) -> None:
    assert valid_contact(written) == kept


@pytest.mark.parametrize(
    "person", ["jane.doe@agency.example", "jdoe@agency.example", "j.d.1970@agency.example", "+66 81 234 5678"]
)
def test_a_possible_personal_address_is_refused_without_repeating_it(person: str) -> None:
    with pytest.raises(Rejected) as refused:
        valid_contact(person)
    assert refused.value.reason == "contact-of-a-person"
    assert person.partition("@")[0] not in refused.value.message


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "agency",
        "Jane Doe <help@agency.example>",
        "http://agency.example/",
        "https://jane:secret@agency.example/",
        "https:///report",
        "https://[agency.example/",
        "help@agency",
        "tel:021234567",
        "+999 1234567",
        "12",
        "1441 1442 1443 1444 1445 1446 1447 1448 1449",
        "https://agency.example/" + "x" * 200,
    ],
)
def test_anything_else_is_refused_as_contact(wrong: str) -> None:
    with pytest.raises(Rejected) as refused:
        valid_contact(wrong)
    assert refused.value.reason == "contact-form"


@given(st.text(max_size=60) | st.from_regex(r"[a-z.@:/]{1,40}", fullmatch=True))
def test_every_text_is_accepted_or_refused_with_a_reason(text: str) -> None:
    try:
        kept = valid_contact(text)
    except Rejected:
        return
    assert valid_contact(kept) == kept


@pytest.mark.parametrize(
    ("agent", "institution", "is_its"),
    [
        ("KASITHBKXXX", "KASITHBK", True),
        ("THCBC:004", "KASITHBK", True),
        ("KASITHBK", "TH:004", True),
        ("GBDSC:601613", "GB:6016", True),
        ("DEBLZ:37040044", "DE8937040044", True),
        ("THCBC:002", "KASITHBK", False),
        ("GBDSC:609999", "GB:6016", False),
        ("BKKBTHBK", "KASITHBK", False),
    ],
)
def test_agents_are_those_of_an_institution(agent: str, institution: str, is_its: bool) -> None:
    keys = institution_keys(checked_institution(institution))
    assert (not keys.isdisjoint(agent_keys(agent))) is is_its
