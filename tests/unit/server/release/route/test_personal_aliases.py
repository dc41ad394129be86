"""A payment alias that is a national id is published for named partners only, under any marking."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import marking
from schemas.vocabulary import Tlp
from server.release.results import Results

PERSON, PHONE = "promptpay:1234545678781", "promptpay:+66812345678"


@pytest.mark.parametrize("tlp", [Tlp.CLEAR, Tlp.AMBER])
def test_personal_number_is_stored_and_not_published_despite_a_wide_marking(
    stix: Callable[..., list[dict[str, Any]]],
    post: Callable[..., Results],
    held_by: Callable[[str], dict[str, dict[str, Any]]],
    listed: Callable[..., str],
    tlp: Tlp,
) -> None:
    indicator = stix(PERSON, "payment-alias")[1]
    outcome = post({**indicator, "object_marking_refs": [marking.ref(tlp)]})
    assert [result.id for result in outcome.pending] == [indicator["id"]]
    assert indicator["id"] in held_by("inbox")
    out = {id_ for alias in ("mule-accounts", "mule-accounts-full", "public") for id_ in held_by(alias)}
    assert not {indicator["id"], listed(indicator)} & out


def test_another_alias_is_published_for_banks(
    stix: Callable[..., list[dict[str, Any]]],
    post: Callable[..., Results],
    held_by: Callable[[str], dict[str, dict[str, Any]]],
    listed: Callable[..., str],
) -> None:
    indicator = stix(PHONE, "payment-alias")[1]
    post(indicator)
    assert listed(indicator) in held_by("mule-accounts")
