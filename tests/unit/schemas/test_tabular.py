"""Records about reports have one form, or are refused with a reason."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft202012Validator

from schemas import kinds, tabular
from schemas.errors import Rejected
from schemas.json_schema import documents
from schemas.kind import Normal
from schemas.records import Case, Flow, Outcome, Record, Sighting
from schemas.vocabulary import OutcomeWord as OutcomeWord, Tlp

DEFAULTS = {"reporter": "Example Bank", "reported_at": "2026-01-15T08:00:00Z"}
INDICATOR = "indicator--2c4125de-07a4-58ff-80f6-00aa533a88a7"
ACCOUNT, OTHER_ACCOUNT = "bank-account:DE89370400440532013000", "bank-account:GB29NWBK60161331926819"
WALLET, OTHER_WALLET = "wallet:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "wallet:3P14159f73E4gFr7JterCCQh9QjiTjiZrG"


def record(which: str, /, **columns: Any) -> Any:
    return tabular.read_record(which, columns, DEFAULTS)


def refusal(which: str, /, **columns: Any) -> Rejected:
    with pytest.raises(Rejected) as refused:
        record(which, **columns)
    return refused.value


def test_a_sighting_holds_reporter_value_place_count_and_time() -> None:
    seen = record(
        "sighting", of=INDICATOR, count="4", countries="th, kh", first_seen="2026-01-01", last_seen="2026-01-02"
    )
    assert isinstance(seen, Sighting)
    assert (seen.reporter, seen.of.ref, seen.count, seen.countries) == ("Example Bank", INDICATOR, 4, ("KH", "TH"))


def test_a_sighting_may_have_a_count_of_zero() -> None:
    assert record("sighting", of=INDICATOR, count="0").count == 0


def test_seen_by_is_empty_for_the_reporter() -> None:
    assert record("sighting", of=INDICATOR, seen_by="Example Bank").seen_by is None
    assert record("sighting", of=INDICATOR, seen_by="Other Bank").seen_by == "Other Bank"


@pytest.mark.parametrize(
    "columns",
    [
        {"of": "domain:shop.example.com"},
        {"value": "SHOP.example.com", "kind": "domain"},
        {"value": "domain:shop[.]example[.]com"},
        {"of": {"kind": "domain", "value": "shop[.]example.com"}},
    ],
    ids=["kind before the value", "in columns", "in one column", "in JSON"],
)
def test_value_can_replace_an_id(columns: dict[str, Any]) -> None:
    of = record("sighting", **columns).of
    assert (of.ref, of.kind, of.value) == (None, "domain", "shop.example.com")


def test_columns_of_the_kind_complete_a_value() -> None:
    columns = {"kind": "bank-account", "account_number": "123-4-56789-0", "bank": "KBANK", "country": "TH"}
    assert record("outcome", outcome="blocked", **columns).of.value == "TH:KASITHBK:1234567890"


def test_a_subject_may_name_the_reporter_of_its_indicator() -> None:
    of = record("opinion", opinion="agree", value="shop.example.com", kind="domain", of_reporter="Other Bank").of
    assert (of.value, of.reporter) == ("shop.example.com", "Other Bank")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("Taken down", "taken-down"), ("takedown", "taken-down"), ("FROZEN", "held"), ("fp", "false-positive")],
)
def test_synonyms_of_outcomes_are_read(written: str, meant: str) -> None:
    assert record("outcome", of=INDICATOR, outcome=written).outcome == meant


@pytest.mark.parametrize("word", list(OutcomeWord))
def test_every_outcome_has_a_reason_and_times(word: OutcomeWord) -> None:
    done = record("outcome", of=INDICATOR, outcome=word.value, reason="Legal order", effective_from="2026-01-01")
    assert isinstance(done, Outcome)
    assert (done.outcome, done.reason) == (word, "legal-order")
    assert done.effective_from is not None


def test_amount_is_exact_between_wallets_and_has_two_digits_elsewhere() -> None:
    exact = record("flow", source=WALLET, target=OTHER_WALLET, amount="1234.56789", currency="BTC")
    minimised = record("flow", source=ACCOUNT, target=WALLET, amount="1234.56789", currency="EUR")
    assert isinstance(exact, Flow)
    assert (str(exact.amount), str(minimised.model_dump(mode="json")["amount"])) == ("1234.56789", "1200")


@given(amount=st.decimals(min_value="0.01", max_value="9999999999", places=2))
def test_minimising_an_amount_twice_changes_nothing(amount: Any) -> None:
    once = record("flow", source=ACCOUNT, target=WALLET, amount=str(amount), currency="EUR")
    again = tabular.read_record("flow", once.model_dump(mode="json", exclude_none=True), DEFAULTS)
    assert again == once
    assert abs(once.amount - amount) <= amount / 20


def test_a_flow_is_marked_no_wider_than_its_ends() -> None:
    for kind in kinds.every().values():
        for example in kind.examples():
            if not kind.account or example.value is None:
                continue
            widest = kind.widest_tlp(Normal(example.value, example.details))
            end = {"kind": kind.name, "value": example.value, "details": dict(example.details)}
            flow = record("flow", source=end, target=WALLET, tlp="clear")
            assert flow.tlp is widest


def test_a_case_keeps_each_member_once() -> None:
    case = record("case", name="Example", members=f"{INDICATOR} domain:a.example.com,{INDICATOR}", sha256="0" * 64)
    assert isinstance(case, Case)
    assert [(member.ref, member.value) for member in case.members] == [(INDICATOR, None), (None, "a.example.com")]
    assert case.evidence[0].sha256 == "0" * 64


@pytest.mark.parametrize(
    ("name", "columns", "reason"),
    [
        ("nothing", {}, "unknown-record"),
        ("sighting", {}, "no-subject"),
        ("sighting", {"of": "sighting--2c4125de-07a4-58ff-80f6-00aa533a88a7"}, "not-an-indicators-id"),
        ("sighting", {"of": {"ref": INDICATOR, "reporter": "Other Bank"}}, "subject-twice"),
        ("sighting", {"of": {"ref": INDICATOR, "kind": ["x"]}}, "bad-of"),
        ("sighting", {"of": {"value": "x", "kind": ["x"]}}, "bad-of"),
        ("sighting", {"of": {"value": "x", "kind": "domain", "details": [1]}}, "bad-of"),
        ("sighting", {"of": 5}, "bad-of"),
        ("sighting", {"of": INDICATOR, "count": "-1"}, "bad-count"),
        ("sighting", {"of": INDICATOR, "first_seen": "2026-01-02", "last_seen": "2026-01-01"}, "times-reversed"),
        ("sighting", {"of": INDICATOR, "countries": "Thailand"}, "bad-countries"),
        ("outcome", {"of": INDICATOR}, "bad-outcome"),
        ("outcome", {"of": INDICATOR, "outcome": "gone fishing"}, "bad-outcome"),
        ("outcome", {"of": INDICATOR, "outcome": "no-action", "effective_until": "2026-02-01"}, "end-misplaced"),
        (
            "outcome",
            {"of": INDICATOR, "outcome": "blocked", "effective_from": "2026-02-01", "effective_until": "2026-01-01"},
            "times-reversed",
        ),
        ("opinion", {"of": INDICATOR, "opinion": "perhaps"}, "bad-opinion"),
        ("flow", {"source": WALLET}, "bad-target"),
        ("flow", {"source": WALLET, "target": WALLET}, "flow-to-itself"),
        ("flow", {"source": "domain:a.example.com", "target": WALLET}, "no-account"),
        ("flow", {"source": INDICATOR, "target": WALLET}, "flow-end-by-value"),
        ("flow", {"source": ACCOUNT, "target": OTHER_ACCOUNT, "amount": "5"}, "amount-without-currency"),
        ("flow", {"source": ACCOUNT, "target": OTHER_ACCOUNT, "amount": "0", "currency": "EUR"}, "bad-amount"),
        ("flow", {"source": ACCOUNT, "target": OTHER_ACCOUNT, "amount": "NaN", "currency": "EUR"}, "bad-amount"),
        ("flow", {"source": ACCOUNT, "target": OTHER_ACCOUNT, "amount": "5", "currency": "XYZ"}, "bad-currency"),
        ("case", {"members": INDICATOR}, "bad-name"),
        ("case", {"name": "Example"}, "bad-members"),
        ("case", {"name": "Example", "members": []}, "bad-members"),
        ("case", {"name": "Example", "members": INDICATOR, "tlp": "purple"}, "bad-tlp"),
    ],
)
def test_every_refusal_has_a_reason(name: str, columns: dict[str, Any], reason: str) -> None:
    refused = refusal(name, **columns)
    assert refused.reason == reason
    assert refused.message


def test_a_refusal_never_repeats_the_value() -> None:
    assert "gone-fishing" not in refusal("outcome", of=INDICATOR, outcome="gone fishing").message
    assert "DE8937" not in refusal("flow", source="bank-account:DE89370400440532013001", target=WALLET).message


def test_a_row_cannot_set_the_reporter() -> None:
    assert record("sighting", of=INDICATOR, reporter="Somebody else").reporter == "Example Bank"


REQUEST_COLUMNS = {
    "request": {
        "of": ACCOUNT,
        "asks": "Freeze",
        "reference": "7",
        "deadline": "2026-02-01",
        "legal_basis": "court order",
    },
    "request-answer": {"request": "note--7f33aaaa-ae9a-4254-b05a-c700c80db493", "state": "acknowledged", "of": ""},
}


@pytest.mark.parametrize("name", tabular.RECORDS)
def test_columns_of_other_records_are_ignored(name: str) -> None:
    everything = {
        **{"of": INDICATOR, "outcome": "blocked", "opinion": "agree", "source": ACCOUNT, "target": WALLET},
        **{"name": "Example", "members": INDICATOR, "count": "2", "victim": "somebody", "code": "fraud"},
        **REQUEST_COLUMNS.get(name, {}),
    }
    assert isinstance(record(name, **everything), tabular.record_model(name))


def examples() -> list[Record]:
    return [
        record("sighting", of=INDICATOR, count="4", countries="TH", first_seen="2026-01-01", tlp="TLP:GREEN"),
        record("sighting", of={"kind": "domain", "value": "a.example.com", "reporter": "Other Bank"}),
        record("outcome", of=INDICATOR, outcome="blocked", reason="own-finding", effective_until="2026-02-01"),
        record("opinion", of=INDICATOR, opinion="disagree", description="ไม่เห็นด้วย", lang="th"),
        record("flow", source=ACCOUNT, target=WALLET, amount="0.5", currency="EUR", count="3"),
        record("case", name="Example", members=[INDICATOR, {"kind": "domain", "value": "a.example.com"}]),
    ]


@pytest.mark.parametrize("example", examples(), ids=lambda member: type(member).__name__)
def test_record_as_json_passes_its_schema_and_reads_back(example: Record) -> None:
    name = next(name for name, model in tabular.RECORDS.items() if type(example) is model)
    schema = json.loads(documents()[f"{name}.schema.json"])
    Draft202012Validator.check_schema(schema)
    written = example.model_dump(mode="json", exclude_none=True)
    Draft202012Validator(schema).validate(written)
    assert not Draft202012Validator(schema).is_valid({**written, "victim": "somebody"})
    assert tabular.read_record(name, written, DEFAULTS) == example


TEXTS = st.text(max_size=30) | st.sampled_from([INDICATOR, ACCOUNT, WALLET, "domain:a.example.com", "2026-01-01", "4"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(
    name=st.sampled_from(list(tabular.RECORDS)),
    columns=st.dictionaries(
        st.sampled_from(
            sorted({field for model in tabular.RECORDS.values() for field in model.model_fields} | {"value", "kind"})
        ),
        VALUES,
        max_size=8,
    ),
)
def test_every_row_is_a_record_or_refused(name: str, columns: dict[str, Any]) -> None:
    try:
        made = tabular.read_record(name, columns, DEFAULTS)
    except Rejected:
        return
    assert made.tlp in set(Tlp)
    assert tabular.read_record(name, made.model_dump(mode="json", exclude_none=True), DEFAULTS) == made


@pytest.mark.parametrize("kind", kinds.every())
def test_a_row_of_a_plain_list_is_read_like_a_row_with_more_columns(kind: str) -> None:
    defaults = {"reporter": "Bank", "reported_at": "2026-01-15T00:00:00Z", "tlp": "clear"}
    reader = tabular.ReportReader({**defaults, "kind": kind})
    plain = [example for example in kinds.get(kind).examples() if example.value is not None and not example.given]
    assert plain
    for example in [*plain, *plain]:
        by_itself = tabular.ReportReader(defaults).report({"value": example.raw, "kind": kind, "lang": "en"})
        assert reader.report({"value": example.raw}) == by_itself
