"""MISP events: the values read from them, their markings, and a feed that MISP can fetch."""

from hashlib import md5
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from feeds import formats
from feeds.formats import misp_feed
from feeds.readers.rows import Row, Unreadable
from mappers.indicator import Profile, to_stix
from mappers.misp import to_misp
from schemas import kinds
from schemas.errors import Rejected
from schemas.report import Report
from schemas.tabular import ReportReader
from tests.searches import examples

DOMAIN: dict[str, Any] = {"type": "domain", "to_ids": True, "value": "a.example.com"}
REPORTER = {"reporter": "Example Bank", "reported_at": "2026-01-01T00:00:00.000Z"}
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
KEYS = ["type", "value", "to_ids", "deleted", "Tag", "uuid", "timestamp", "first_seen", "object_relation", "name"]


def read(*attributes: dict[str, Any], objects: Any = (), tags: Any = ()) -> list[Row | Unreadable]:
    named = [{"name": tag} for tag in tags]
    event = {"Event": {"info": "X", "Attribute": attributes, "Object": objects, "Tag": named}}
    return list(formats.read(BytesIO(orjson.dumps(event)), format="misp-event"))


def tagged(*tags: str) -> dict[str, Any]:
    return DOMAIN | {"Tag": [{"name": tag} for tag in tags]}


@settings(max_examples=examples(300), deadline=None)
@given(
    st.dictionaries(st.sampled_from(KEYS), JUNK),
    st.sampled_from(["bank-account", "user-account", "coin-address"]),
    JUNK,
)
def test_any_attributes_are_rows_or_have_reasons(junk: dict[str, Any], name: str, more: Any) -> None:
    attribute = DOMAIN | {"object_relation": "account"} | junk
    rows = read(attribute, objects=[{"name": name, "Attribute": [attribute, more], "Tag": more}, more])
    assert all(isinstance(row, Row | Unreadable) for row in rows)
    assert [row.line for row in rows] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize(
    ("event", "attribute", "tlp"),
    [
        ([], [], None),
        (["tlp:white"], [], "clear"),
        (["tlp:clear"], ["tlp:red"], "red"),
        (["tlp:red"], ["tlp:clear"], "red"),
        (["TLP:AMBER+STRICT"], ["tlp:amber"], "amber+strict"),
        (["tlp:unclear"], [], None),
    ],
)
def test_the_narrowest_marking_holds(event: list[str], attribute: list[str], tlp: str | None) -> None:
    (row,) = read(tagged(*attribute), tags=event)
    assert isinstance(row, Row)
    assert row.fields.get("tlp") == tlp


def test_tags_after_the_attributes_count() -> None:
    data = b'{"Event":{"Attribute":[' + orjson.dumps(DOMAIN) + b'],"Tag":[{"name":"tlp:red"}]}}'
    (row,) = formats.read(BytesIO(data))
    assert isinstance(row, Row)
    assert row.fields["tlp"] == "red"


@pytest.mark.parametrize(
    ("tag", "column", "text"),
    [
        ("phishing", "scam_type", "credential-phishing"),
        ('rsit:fraud="phishing"', "scam_type", "credential-phishing"),
        ('scam:type="task-deposit"', "scam_type", "task-deposit"),
        ('scam:payment-rail="instant"', "payment_rail", "instant"),
        ('misp:confidence-level="fairly-confident"', "confidence", "50"),
    ],
)
def test_tags_give_the_context(tag: str, column: str, text: str) -> None:
    (row,) = read(tagged(tag))
    assert isinstance(row, Row)
    assert row.fields[column] == text


@pytest.mark.parametrize(
    "attribute",
    [
        {"type": "target-email", "value": "someone@example.com"},
        {"type": "email-dst", "value": "someone@example.com"},
        {"type": "cc-number", "value": "4111111111111111"},
    ],
)
def test_a_possible_victims_value_is_neither_read_nor_repeated(attribute: dict[str, Any]) -> None:
    (row,) = read({"to_ids": True, **attribute})
    assert isinstance(row, Unreadable)
    assert row.reason == "personal-data"
    assert attribute["value"] not in row.raw + row.message


def test_comments_are_not_read() -> None:
    (row,) = read(DOMAIN | {"comment": "seen by X"})
    assert row == Row(1, {"kind": "domain", "value": "a.example.com"})


def test_deleted_object_is_deleted_with_all_attributes() -> None:
    rows = read(objects=[{"name": "domain-ip", "deleted": True, "Attribute": [DOMAIN, DOMAIN]}])
    assert [getattr(row, "reason", None) for row in rows] == ["deleted", "deleted"]


def test_deleted_attribute_of_an_object_is_ignored() -> None:
    account = {"type": "bank-account-nr", "object_relation": "account", "to_ids": True, "value": "1234567890"}
    iban = {
        "type": "iban",
        "object_relation": "iban",
        "to_ids": True,
        "deleted": True,
        "value": "DE89370400440532013000",
    }
    (row,) = read(objects=[{"name": "bank-account", "Attribute": [iban, account]}])
    assert row == Row(1, {"kind": "bank-account", "account_number": "1234567890"})


def examples() -> list[Report]:
    """Return a report for each valid example of each kind."""
    reader, found = ReportReader(REPORTER), {}
    for kind in kinds.every().values():
        for example in kind.examples():
            if example.value is not None:
                report = reader.report({"kind": kind.name, "value": example.raw, **example.given})
                found[report.kind, report.value, tuple(sorted(report.details.items()))] = report
    return list(found.values())


def files(folder: Path) -> dict[str, Any]:
    return {path.stem: orjson.loads(path.read_bytes()) for path in folder.glob("*.json")}


def test_every_value_of_a_feed_reads_back(tmp_path: Path) -> None:
    wanted = examples()
    count = formats.get("misp-feed").write_folder(wanted, tmp_path)
    reader, read_back, refused = ReportReader(REPORTER), set(), []
    for path in tmp_path.glob("*-*.json"):
        for row in formats.read(BytesIO(path.read_bytes())):
            if not isinstance(row, Row):
                refused.append(row.reason)
                continue
            try:
                report = reader.report(row.fields)
            except Rejected as refusal:
                refused.append(refusal.reason)
                continue
            read_back.add((report.kind, report.value))
    assert refused == []
    spelled = [report for report in wanted if to_misp(report)]
    assert read_back == {(report.kind, report.value) for report in spelled}
    assert {report.kind for report in spelled} >= {"domain", "url", "email", "ip", "phone", "wallet", "bank-account"}
    assert count == len(spelled)


def test_bank_code_is_no_search_value() -> None:
    report = ReportReader(REPORTER).report({"kind": "bank-account", "value": "TH:KASITHBK:1234567890"})
    spelled = to_misp(report)
    assert spelled is not None
    assert spelled.values == ["1234567890"]
    assert [attribute["value"] for attribute in spelled.body["Attribute"] if attribute["to_ids"]] == ["1234567890"]


def test_an_attribute_has_the_indicators_uuid_and_labels_and_no_words_about_people() -> None:
    report = domain(scam_type="romance", first_seen="2025-12-01", description="told by X")
    spelled, indicator = to_misp(report), to_stix(report, Profile.CORE)[0]
    assert spelled is not None
    assert spelled.body == {
        "uuid": indicator["id"].partition("--")[2],
        "timestamp": "1767225600",
        "type": "domain",
        "category": "Network activity",
        "to_ids": True,
        "value": "a.example.com",
        "first_seen": "2025-12-01T00:00:00.000+00:00",
        "Tag": [{"name": label} for label in indicator["labels"]],
    }


def domain(value: str = "a.example.com", **columns: str) -> Report:
    return ReportReader(REPORTER).report({"kind": "domain", "value": value, **columns})


def test_an_event_has_one_creator_one_marking_one_day_one_collection(tmp_path: Path) -> None:
    wanted = [
        domain(),
        domain("b.example.com"),
        domain(tlp="clear"),
        domain(reported_at="2026-01-02"),
        domain().model_copy(update={"reporter": "Other"}),
        ReportReader(REPORTER).report({"kind": "bank-account", "value": "DE89370400440532013000"}),
    ]
    formats.get("misp-feed").write_folder(wanted, tmp_path)
    written = files(tmp_path)
    manifest = written.pop("manifest")
    assert manifest.keys() == written.keys()
    sizes = sorted(len(event["Event"]["Attribute"]) for event in written.values())
    assert sizes == [1, 1, 1, 1, 2]
    for uuid, entry in manifest.items():
        event = written[uuid]["Event"]
        assert entry == {name: event[name] for name in entry}
        assert event["Tag"] in ([{"name": "tlp:amber"}], [{"name": "tlp:clear"}])


def test_too_large_event_continues_in_another(tmp_path: Path) -> None:
    wanted = [domain(f"h{number}.example.com") for number in range(7)]
    with patch.object(misp_feed, "_LARGEST_EVENT", 3):
        assert formats.get("misp-feed").write_folder(wanted, tmp_path) == 7
    written = files(tmp_path)
    assert written.pop("manifest").keys() == written.keys()
    assert sorted(len(event["Event"]["Attribute"]) for event in written.values()) == [1, 3, 3]


def test_hashes_refer_to_the_events(tmp_path: Path) -> None:
    formats.get("misp-feed").write_folder([domain()], tmp_path)
    (uuid,) = files(tmp_path).keys() - {"manifest"}
    digest = md5(b"a.example.com", usedforsecurity=False).hexdigest()
    assert (tmp_path / "hashes.csv").read_text(encoding="utf-8") == f"{digest},{uuid}\n"


def test_feed_is_reproducible_and_events_keep_their_names(tmp_path: Path) -> None:
    writer = formats.get("misp-feed")
    writer.write_folder([domain()], tmp_path)
    before = files(tmp_path)
    writer.write_folder([domain()], tmp_path)
    assert files(tmp_path) == before
    writer.write_folder([domain(), domain("b.example.com")], tmp_path)
    assert files(tmp_path).keys() == before.keys()


def test_foreign_events_are_left_unchanged(tmp_path: Path) -> None:
    uuid = "1733d613-f09f-43ec-8e6a-3926f75e5fa4"
    (tmp_path / "manifest.json").write_bytes(orjson.dumps({uuid: {"info": "X"}}))
    (tmp_path / f"{uuid}.json").write_bytes(b"{}")
    formats.get("misp-feed").write_folder([domain()], tmp_path)
    assert uuid in files(tmp_path)


def test_failed_feed_is_left_unchanged(tmp_path: Path) -> None:
    writer = formats.get("misp-feed")
    writer.write_folder([domain()], tmp_path)
    before = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir())

    def failing() -> Any:
        yield domain("b.example.com")
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        writer.write_folder(failing(), tmp_path)
    assert sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir()) == before
