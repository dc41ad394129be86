"""The grade: the strongest action that a reader should take on a value."""

import pytest
from hypothesis import given, strategies as st

from schemas import kinds
from schemas.fields import Hold
from schemas.kind import PAID
from schemas.partner import institution_keys, provider_keys
from schemas.report import Report
from schemas.vocabulary import Action
from server.release.fuse import grade
from tests.unit.server.release.statement_examples import HELD, NOON, VALUES, partner, report

THAI = "TH:KASITHBK:1234567890"
BRITISH = "GB33BUKB20201555555555"
GERMAN = "DE89370400440532013000"


def of(kind: str, confidence: int, *, suffices: bool = True, asked: Action | None = None, **more: bool) -> str:
    limits = grade.GradeLimits(suffices=suffices, asked=asked, **more)
    return grade.grade_of(kinds.get(kind), confidence, limits).value


@pytest.mark.parametrize(
    ("confidence", "money", "others"),
    [
        (99, "block", "block"),
        (70, "block", "block"),
        (65, "hold", "warn"),
        (60, "hold", "warn"),
        (50, "step-up", "warn"),
        (40, "warn", "warn"),
        (35, "monitor", "monitor"),
        (20, "monitor", "monitor"),
        (15, "investigate", "investigate"),
        (0, "investigate", "investigate"),
    ],
)
def test_the_grade_follows_the_confidence(confidence: int, money: str, others: str) -> None:
    assert (of("wallet", confidence), of("domain", confidence)) == (money, others)


@pytest.mark.parametrize(
    ("kind", "alone"),
    [
        ("bank-account", "hold"),
        ("payment-alias", "hold"),
        ("phone", "warn"),
        ("social-account", "warn"),
        ("wallet", "block"),
        ("domain", "block"),
    ],
)
def test_held_value_is_not_blocked_by_one_report(kind: str, alone: str) -> None:
    assert of(kind, 99, suffices=False) == alone
    assert of(kind, 99) == "block"


def test_no_grade_is_stronger_than_requested() -> None:
    assert of("wallet", 99, asked=Action.STEP_UP) == "step-up"
    assert of("domain", 99, asked=Action.STEP_UP) == "warn"
    assert of("domain", 30, asked=Action.BLOCK) == "monitor"


def test_strongest_request_counts_and_an_open_one_sets_no_limit() -> None:
    warn, monitor = report(action=Action.WARN).report, report(action=Action.MONITOR).report
    assert grade.strongest_asked([warn, monitor]) is Action.WARN
    assert grade.strongest_asked([warn, report().report]) is None
    assert (
        grade.strongest_asked([report(kind="wallet", hold=Hold(until=NOON.replace(year=2027))).report]) is Action.HOLD
    )


def test_coercion_weakens_it() -> None:
    assert of("bank-account", 99, coerced=True) == "warn"
    assert of("social-account", 99, coerced=True) == "warn"
    assert of("bank-account", 99, sign=True) == "hold"
    assert of("bank-account", 30, coerced=True) == "monitor"


def test_unsure_value_is_not_blocked() -> None:
    assert of("domain", 99, suffices=False, unsure=True) == "warn"
    assert of("domain", 20, suffices=False, unsure=True) == "monitor"


@pytest.mark.parametrize(
    ("kind", "undoubted", "left", "grades", "expected"),
    [
        ("bank-account", "block", "block", 1, "hold"),
        ("bank-account", "block", "step-up", 1, "hold"),
        ("bank-account", "block", "step-up", 2, "step-up"),
        ("bank-account", "block", "hold", 4, "step-up"),
        ("bank-account", "block", "hold", None, "investigate"),
        ("domain", "block", "block", 1, "warn"),
        ("domain", "investigate", "investigate", 3, "investigate"),
    ],
)
def test_dispute_lowers_one_grade_within_its_standing(
    kind: str, undoubted: str, left: str, grades: int | None, expected: str
) -> None:
    assert grade.lowered_by_doubts(kinds.get(kind), Action(undoubted), Action(left), grades) == expected


def test_report_with_little_weight_corroborates_nothing() -> None:
    assert grade.suffices([0.99, 0.3], authority=False)
    assert not grade.suffices([0.99, 0.29], authority=False)
    assert grade.suffices([0.1], authority=True)


def account(value: str, **columns: object) -> Report:
    data = {"kind": "bank-account", "value": value, "reporter": "Partner 1", "reported_at": NOON, **columns}
    return Report.model_validate(data)


@pytest.mark.parametrize(
    ("institutions", "value", "own"),
    [
        (("KASITHBK",), THAI, True),
        (("SICOTHBK",), THAI, False),
        (("GB:202015",), BRITISH, True),
        (("GB:2020",), BRITISH, True),
        (("GB29BUKB202015",), BRITISH, True),
        (("GB:6016",), BRITISH, False),
        # The sort code names the account. Other letters with right check digits would name another bank.
        (("BUKBGB22",), BRITISH, False),
        (("GB29BUKB",), BRITISH, False),
        (("DE8937040044",), GERMAN, True),
        (("COBADEFF",), GERMAN, True),
        (("DE8950010517",), GERMAN, False),
        ((), BRITISH, False),
    ],
    ids=str,
)
def test_an_accounts_own_bank_has_authority_for_it(institutions: tuple[str, ...], value: str, own: bool) -> None:
    assert grade.has_authority(partner(1, institutions=institutions), account(value)) is own


@pytest.mark.parametrize("institution", ["EVILGB2L", "GB00EVIL", "GB:EVILGB2L"])
def test_foreign_letters_before_a_sort_code_give_no_authority(institution: str) -> None:
    evil = partner(1, institutions=(institution,))
    letters = "EVIL20201555555555"
    number = int("".join(str(int(char, 36)) for char in letters + "GB00"))
    report = account(f"GB{98 - number % 97:02d}{letters}")
    assert kinds.get("bank-account").key(report.value) == kinds.get("bank-account").key(BRITISH)
    assert not grade.has_authority(evil, report)


@given(
    st.sampled_from([THAI, BRITISH, GERMAN, "GB:202015:55555555", "BR1800360305000010009795493C1"]),
    st.sampled_from(["KASITHBK", "TH:004", "BUKBGB22", "GB29BUKB", "GB:20", "COBADEFF", "DE8937040044", "BR:104"]),
)
def test_authority_for_an_account_is_its_provider(value: str, institution: str) -> None:
    keeps = not provider_keys("bank-account", value).isdisjoint(institution_keys(institution))
    assert grade.keeps_account(partner(1, institutions=(institution,)), "bank-account", value) is keeps


def test_naming_a_bank_next_to_an_account_gives_no_authority() -> None:
    report = account(BRITISH, details={"bic": "KASITHBK"})
    assert not grade.has_authority(partner(1, institutions=("KASITHBK",)), report)


def test_authority_is_limited_to_its_kinds() -> None:
    police = partner(1, authority=("phone",))
    assert grade.has_authority(police, report(kind="phone").report)
    assert not grade.has_authority(police, report(kind="payment-alias").report)


@given(st.sampled_from(sorted(VALUES)), st.integers(0, 99), st.booleans(), st.booleans())
def test_every_grade_is_defined_for_its_kind(name: str, confidence: int, suffices: bool, coerced: bool) -> None:
    kind = kinds.get(name)
    given_ = grade.grade_of(kind, confidence, grade.GradeLimits(suffices=suffices, coerced=coerced))
    assert given_ in kind.grades
    if coerced or (name in HELD and not suffices):
        assert given_ is not Action.BLOCK
    assert list(kind.grades) == sorted(kind.grades, key=PAID.index)
