"""Institutions: one spelling of each."""

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from schemas.partner import Partner, provides_nothing
from schemas.reference.account_numbers import checked_bank

# The IBAN registry's own example for the United Kingdom.
EXAMPLE = "GB29NWBK60161331926819"


def _partner(**more: object) -> Partner:
    return Partner.model_validate(
        {"name": "bank", "kind": "bank", "identity": "identity--11111111-1111-4111-8111-111111111111", **more}
    )


@pytest.mark.parametrize(
    ("written", "kept"), [("nwbkgb2l", "NWBKGB2L"), ("GB29 NWBK", "GB29NWBK"), ("kasithbk", "KASITHBK")]
)
def test_an_institution_has_one_spelling(written: str, kept: str) -> None:
    assert _partner(institutions=[written]).institutions == (kept,)


@pytest.mark.parametrize("wrong", ["", "bank", "NWBKGB2LXXX", "GB", "GB29", "29GB12BK", EXAMPLE])
def test_an_invalid_institution_is_refused_with_the_rule(wrong: str) -> None:
    with pytest.raises(ValidationError, match="BIC of 8 characters"):
        _partner(institutions=[wrong])


@pytest.mark.parametrize("institution", ["NWBKGB2L", "GB29NWBK", "GB:NWBKGB2L"])
def test_british_letters_give_no_authority(institution: str) -> None:
    assert provides_nothing(institution)


@pytest.mark.parametrize(
    "institution",
    ["GB:6016", "GB29NWBK601613", "KASITHBK", "GBAATHBK", "TH:004", "DE89GB12", "social-account:line", "phone:+668"],
)
def test_every_other_institution_gives_authority(institution: str) -> None:
    assert not provides_nothing(institution)


def test_authority_is_limited_to_known_kinds() -> None:
    assert _partner(authority=["domain", "bank-account"]).authority == ("domain", "bank-account")
    with pytest.raises(ValidationError, match="there is no such kind; there are: app, bank-account"):
        _partner(authority=["domains"])


@given(st.text(max_size=20))
def test_checked_institution_is_unchanged(text: str) -> None:
    try:
        kept = checked_bank(text)
    except ValueError:
        return
    assert checked_bank(kept) == kept
