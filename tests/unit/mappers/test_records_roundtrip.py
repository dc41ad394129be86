"""Every record survives the round trip through STIX."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st

from mappers.record_reader import from_stix
from mappers.records import to_stix
from schemas import kinds, tabular
from schemas.records import Record
from schemas.vocabulary import CaseContext, OpinionWord, OutcomeWord, QualificationCode, Tlp
from tests.unit.mappers.record_examples import REPORTER, REPORTERS

TEXT = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"]), min_size=1, max_size=40)
LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)
TIME = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - in UTC by the strategy
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
SPAN = st.tuples(
    TIME,
    st.timedeltas(
        timedelta(0),
        timedelta(days=400),
    ).map(lambda t: timedelta(milliseconds=t // timedelta(milliseconds=1))),
)
COUNTRIES = st.lists(st.sampled_from(["TH", "KH", "VN", "ZZ"]), max_size=3)
IDS = st.uuids().map(lambda uuid: f"indicator--{uuid}")
ENDS = [
    {"kind": kind.name, "value": example.value, "details": dict(example.details)}
    for kind in kinds.every().values()
    if kind.account or kind.name == "wallet"
    for example in kind.examples()
    if example.value is not None
]


def times(names: tuple[str, str]) -> st.SearchStrategy[dict[str, Any]]:
    both = SPAN.map(lambda span: {names[0]: span[0], names[1]: span[0] + span[1]})
    return st.one_of(
        st.just({}), both, TIME.map(lambda moment: {names[0]: moment}), TIME.map(lambda moment: {names[1]: moment})
    )


@st.composite
def any_record(draw: st.DrawFn) -> Record:
    columns: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {"reporter": st.sampled_from([REPORTER, "Other Bank"]), "reported_at": TIME},
            optional={
                "tlp": st.sampled_from(list(Tlp)),
                "reference": LINE,
                "description": TEXT,
                "lang": st.sampled_from(["en", "th"]),
            },
        )
    )
    which = draw(st.sampled_from([name for name in tabular.RECORDS if not name.startswith("request")]))
    if which in ("sighting", "outcome", "opinion", "qualification"):
        columns["of"] = {"ref": draw(IDS)}
    if which in ("sighting", "flow", "case"):
        columns |= draw(times(("first_seen", "last_seen")))
    if which in ("sighting", "flow"):
        columns["count"] = draw(st.integers(1, 999_999_999))
    match which:
        case "sighting":
            columns |= {"countries": draw(COUNTRIES), "seen_by": draw(st.sampled_from([None, REPORTER, "Other Bank"]))}
        case "outcome":
            columns["outcome"] = draw(st.sampled_from(list(OutcomeWord)))
            columns["reason"] = draw(st.sampled_from([None, "other", "own-word"]))
            if columns["outcome"] in (OutcomeWord.BLOCKED, OutcomeWord.HELD):
                columns |= draw(times(("effective_from", "effective_until")))
        case "opinion":
            columns["opinion"] = draw(st.sampled_from(list(OpinionWord)))
        case "qualification":
            columns["code"] = draw(st.sampled_from(list(QualificationCode)))
        case "flow":
            ends = st.lists(
                st.sampled_from(ENDS), min_size=2, max_size=2, unique_by=lambda end: (end["kind"], end["value"])
            )
            columns["source"], columns["target"] = draw(ends)
            if draw(st.booleans()):
                columns |= {"amount": draw(st.decimals("0.000001", 10**9, places=6)), "currency": "THB"}
        case "case":
            columns |= {
                "name": draw(LINE),
                "context": draw(st.sampled_from(list(CaseContext))),
                "members": [{"ref": ref} for ref in draw(st.lists(IDS, min_size=1, max_size=4))],
                "scam_type": draw(st.sampled_from(["unknown", "investment", "own-word"])),
                "countries": draw(COUNTRIES),
            }
    return tabular.record_model(which).model_validate(columns)


@given(record=any_record())
def test_a_round_trip_loses_nothing(record: Record) -> None:
    *around, obj = to_stix(record)
    assert list(from_stix(obj, REPORTERS, {obj["id"]: obj for obj in around})) == [record]
    assert obj["created"] <= obj["modified"]
