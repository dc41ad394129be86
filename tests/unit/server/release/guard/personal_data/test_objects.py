"""Personal data of victims and holders is refused anywhere in an object; texts about scams pass."""

import json
import random
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings, strategies as st

from mappers import extension
from mappers.indicator import to_stix
from schemas import kinds
from schemas.errors import Rejected
from schemas.tabular import ReportReader
from server.release.guard.personal_data import objects
from server.release.guard.personal_data.free_text import may_contain_personal_data
from tests.searches import examples

CORPUS = json.loads(Path(__file__).with_name("planted.json").read_text(encoding="utf-8"))
UNANNOUNCED = "name without a word that announces it"
PLANTED = {what: texts for what, texts in CORPUS["planted"].items() if what != UNANNOUNCED}
PATTERN = "[domain-name:value = 'shop.example.com']"
CARD = "4242 4242 4242 4242"
MAIL = "jane.doe@example.com"


def refusal(**properties: Any) -> str | None:
    """Return the refusal message for an indicator with these properties, or None if it passes."""
    try:
        objects.refuse_personal_data({"type": "indicator", "pattern": PATTERN, **properties})
    except Rejected as refused:
        return refused.message if refused.reason == "personal-data" else None
    return None


@pytest.mark.parametrize("what", PLANTED)
def test_inserted_personal_data_is_found(what: str) -> None:
    missed = [text for text in PLANTED[what] if refusal(description=text) is None]
    assert missed == []


def test_texts_about_scams_pass() -> None:
    assert [text for text in CORPUS["harmless"] if refusal(description=text) is not None] == []


def test_a_refusal_does_not_repeat_the_data() -> None:
    for text in (text for texts in PLANTED.values() for text in texts):
        message = refusal(description=text) or ""
        assert message.startswith("description: it seems to contain ")
        assert text not in message
        assert not any(char.isdigit() for char in message)


@pytest.mark.parametrize(
    "properties",
    [
        {"name": f"paid with {CARD}"},
        {"labels": ["scam", f"paid with {CARD}"]},
        {"content": f"paid with {CARD}"},
        {"external_references": [{"source_name": "bank", "description": f"paid with {CARD}"}]},
        {"x_note": {"deep": [{"er": f"paid with {CARD}"}]}},
        {"extensions": {"extension-definition--1": {"evidence": [{"sha256": "0", "reference": f"paid with {CARD}"}]}}},
        {"x_people": {"jane.doe@example.com": True}},
        {"x_pan": 4242424242424242},
        {"x_holder_name": "J"},
        {"extensions": {"extension-definition--1": {"cvv": "123"}}},
        {"x_victim_age": 70},
    ],
    ids=lambda properties: next(iter(properties)),
)
def test_every_property_with_text_is_searched(properties: dict[str, Any]) -> None:
    assert refusal(**properties) is not None


def test_an_object_nested_too_deeply_is_refused() -> None:
    nested: Any = "a"
    for _ in range(20):
        nested = [nested]
    assert refusal(x_nested=nested) is not None


def test_a_long_text_is_searched_to_its_end() -> None:
    assert refusal(description="word " * 30_000 + f"paid with {CARD}") is not None


def test_an_identity_is_an_organisation_and_no_person() -> None:
    organisation = {"type": "identity", "identity_class": "organization", "contact_information": "soc@bank.example"}
    objects.refuse_personal_data(organisation)
    with pytest.raises(Rejected, match="organisation"):
        objects.refuse_personal_data({**organisation, "identity_class": "individual"})


def test_a_payment_card_observable_is_refused() -> None:
    with pytest.raises(Rejected, match="payment card"):
        objects.refuse_personal_data({"type": "payment-card", "value": "anything"})


def test_a_case_number_passes_though_it_could_be_an_id() -> None:
    thai_id, mobile = "3100600445635", "0812345678"
    for number in (thai_id, mobile, f"CASE-{thai_id}"):
        assert refusal(extensions={"extension-definition--1": {"reference": number}}) is None
    assert refusal(description=thai_id) is not None
    assert refusal(extensions={"extension-definition--1": {"reference": f"id {thai_id}"}}) is not None
    assert refusal(extensions={"extension-definition--1": {"reference": CARD}}) is not None


def test_values_next_to_a_case_number_do_not_make_it_personal() -> None:
    hold = {"amount": "4242", "until": "2026-06-01T00:00:00.000Z", "reference": "424242424242"}
    said = {"reference": "0812345678", "first_seen": "2026-05-01T08:00:00.000Z", "hold": hold}
    said["evidence"] = [{"sha256": "0a" * 32, "reference": "3100600445635"}]
    assert refusal(extensions={extension.ID: said}) is None


def test_national_numbers_are_found_for_the_countries_of_the_object() -> None:
    text = "she called from 020 7946 0018"
    assert refusal(description=text) is None
    assert refusal(description=text, extensions={extension.ID: {"countries": ["GB"]}}) is not None


@pytest.mark.parametrize(
    ("pattern", "description"),
    [
        ("[phone-number:value = '+66812345678']", "calls from 081-234-5678 and +66 81 234 5678"),
        ("[email-addr:value = 'someone@example.com']", "writes as Someone@Example.com"),
        ("[bank-account:iban = 'GB29NWBK60161331926819']", "account 60161331926819, GB29 NWBK 6016 1331 9268 19"),
    ],
)
def test_an_indicator_may_repeat_its_own_value(pattern: str, description: str) -> None:
    assert refusal(pattern=pattern, description=description) is None


@pytest.mark.parametrize("kind", kinds.every())
def test_the_mapped_examples_of_every_kind_pass(kind: str) -> None:
    reader = ReportReader({"reporter": "Example Bank", "reported_at": "2026-05-01T08:00:00.000Z"})
    for example in kinds.get(kind).examples():
        if example.reason is None:
            for obj in to_stix(reader.report({"kind": kind, "value": example.raw, **example.given})):
                objects.refuse_personal_data(obj)


@given(st.text(max_size=400), st.sampled_from([text for texts in PLANTED.values() for text in texts]))
@settings(deadline=None, max_examples=examples(50))
def test_other_lines_hide_nothing(around: str, planted: str) -> None:
    assert refusal(description=f"{around}\n\n{planted}\n\n{around}") is not None


PLANTED_MAILBOX = "victim: jane.doe@example.com"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), st.lists, max_leaves=20))
@settings(deadline=None, max_examples=examples(50))
def test_any_value_passes_or_is_refused(value: Any) -> None:
    """Values of any shape cause no other error, and do not hide values next to them."""
    refusal(x_anything={"inner": value})
    assert refusal(x_anything={"inner": [value, PLANTED_MAILBOX]}) is not None


# The first sixteen digits are those of a card, and of an account.
ID_LIKE_A_CARD = "42424242-4242-4242-a242-424242424242"


def test_ids_and_hashes_pass_with_any_digits() -> None:
    origin = {"source_name": "scamfeed-origin", "external_id": f"indicator--{ID_LIKE_A_CARD}"}
    digest = "4242424242424242" * 3 + "424242424242424a"
    assert refusal(external_references=[origin], x_id=ID_LIKE_A_CARD) is None
    assert refusal(external_references=[{"source_name": "a", "hashes": {"SHA-256": digest}}]) is None
    assert refusal(description=f"the same as indicator--{ID_LIKE_A_CARD} there") is None


def test_random_ids_are_not_taken_for_personal_numbers() -> None:
    chance = random.Random(9)  # noqa: S311 - the same numbers each time
    ids = [str(UUID(int=chance.getrandbits(128), version=chance.choice((4, 5)))) for _ in range(50_000)]
    assert [
        id_ for id_ in ids if may_contain_personal_data(id_) or may_contain_personal_data(f"indicator--{id_}")
    ] == []


def test_other_literals_of_a_pattern_are_not_its_own_value() -> None:
    pattern = "[email-addr:value = 'scam@shop.example.com' AND email-addr:display_name = 'jane.doe@example.com']"
    said = {"type": "indicator", "pattern": pattern, "description": "writes to jane.doe@example.com"}
    reader = ReportReader({"reporter": "Example Bank", "reported_at": "2026-05-01T08:00:00.000Z"})
    report = reader.report({"kind": "email", "value": "scam@shop.example.com"})
    with pytest.raises(Rejected, match="e-mail address"):
        objects.refuse_personal_data(said, report)
    objects.refuse_personal_data({**said, "description": "writes as Scam@Shop.example.com"}, report)


def test_pattern_in_another_type_hides_nothing() -> None:
    with pytest.raises(Rejected, match="e-mail address"):
        objects.refuse_personal_data(
            {"type": "note", "pattern": "[a:b = 'jane.doe@example.com']", "content": "jane.doe@example.com"}
        )


@pytest.mark.parametrize(
    "properties",
    [
        {"value": MAIL},
        {"x_a": {"value": MAIL}},
        {"x_a": {"context": CARD}},
        {"x_a": {"lang": MAIL, "iban": "", "user_id": MAIL}},
        {"lang": f"victim {MAIL}"},
        {"x_n": 4242424242424242.0},
        {"x_a": {f"jane_doe_{CARD}": 1}},
        {"x_a": ["4242", "4242", "4242", "4242"]},
        {"x_a": {"one": "4242", "two": "4242", "three": "4242 4242"}},
    ],
    ids=str,
)
def test_no_property_name_hides_personal_data(properties: dict[str, Any]) -> None:
    assert refusal(created="2026-05-01T08:00:00.000Z", **properties) is not None
