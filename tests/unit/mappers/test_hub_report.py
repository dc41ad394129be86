"""The wire form of hub reports and heads: sizes, signatures, ids, and the refusal of hostile objects."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
import orjson
import pytest

from mappers import hub_report as mapper
from schemas import hub_head, hub_report
from schemas.errors import Rejected
from schemas.hub_head import HubHead
from schemas.hub_report import EXTENSION, Erased, HubReport, ReporterEntry, TokenType
from schemas.partner import PartnerKind
from schemas.report import Consensus
from schemas.tlog import BadProof
from schemas.tlog.notes import SignerKey
from schemas.vocabulary import Action, Tlp

NOW = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
HUB = "identity--11111111-1111-4111-8111-111111111111"
KEY = SignerKey.make("hub.example.kh/log")
SUBJECT = "domain:bad-shop.com"
NONCE = hub_report.nonce(b"secret of the hub", SUBJECT)
NUMBER = 1_795_997_014_604_878


def _entries(count: int) -> tuple[ReporterEntry, ...]:
    tokens = [hub_report.plain_token(b"secret", f"bank {place}", SUBJECT) for place in range(count)]
    return tuple(ReporterEntry(token, 60, NOW, LATER, PartnerKind.BANK) for token in tokens)


def _object(report: HubReport) -> dict[str, Any]:
    consensus = Consensus(
        kind="domain",
        value="bad-shop.com",
        details={},
        first_seen=NOW,
        last_seen=NOW,
        valid_from=NOW,
        valid_until=LATER,
        confidence=60,
        grade=Action.WARN,
        disputed=False,
        reporters=len(report.reports),
        reporter_kinds=(PartnerKind.BANK,),
        scam_type="investment",
        channel="sms",
        countries=("TH",),
    )
    id_ = hub_report.report_id(KEY.name, NONCE)
    modified = "2026-11-29T08:03:34.604878Z"
    return mapper.to_stix(report, consensus, id_, HUB, tlp=Tlp.GREEN, created=NOW, modified=modified, until=LATER)


def _signed(count: int = 1, **more: Any) -> bytes:
    report = HubReport(version=1, stream="open", number=NUMBER, nonce=NONCE, reports=_entries(count), **more)
    return hub_report.sign(_object(report), KEY)


@pytest.mark.parametrize(("count", "most"), [(1, 1_300), (2, 1_400), (5, 1_750), (20, 3_500), (50, 7_000)])
def test_size_by_number_of_reporters(count: int, most: int) -> None:
    assert len(_signed(count)) <= most


def test_report_is_read_as_it_was_written_and_verified() -> None:
    body = _signed(3)
    found = hub_report.read(body)
    found.verify(KEY.verifier)
    assert found.body == body
    assert (found.origin, found.identity, found.stream, found.number) == (KEY.name, HUB, "open", NUMBER)
    assert found.report is not None
    assert found.report.reports == _entries(3)
    facts = mapper.value_of(found)
    assert (facts.kind, facts.value, facts.scam_type, facts.countries) == (
        "domain",
        "bad-shop.com",
        "investment",
        ("TH",),
    )


def test_another_spelling_of_the_same_json_has_the_same_body() -> None:
    spaced = orjson.dumps(dict(reversed(orjson.loads(_signed()).items())), option=orjson.OPT_INDENT_2)
    assert hub_report.read(spaced).body == hub_report.read(hub_report.sign(orjson.loads(spaced), KEY)).body


def test_signing_and_verifying_take_fractions_of_a_millisecond() -> None:
    found, unsigned = hub_report.read(_signed()), orjson.loads(_signed())

    def cost(act: Callable[[], object]) -> float:
        begun = time.process_time()
        for _ in range(200):
            act()
        return (time.process_time() - begun) / 200

    # Several times what they take: other processes share the processor's caches.
    assert cost(lambda: found.verify(KEY.verifier)) < 0.001
    assert cost(lambda: hub_report.sign(unsigned, KEY)) < 0.001


def _own(obj: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = obj["extensions"][EXTENSION]["hub_report"]
    return own


ALTERED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "number": lambda obj: _own(obj).update(number=NUMBER + 1),
    "stream": lambda obj: _own(obj).update(stream=HUB),
    "weight": lambda obj: _own(obj)["reports"][0].update(weight=99),
    "confidence": lambda obj: obj.update(confidence=99),
    "value": lambda obj: obj.update(pattern="[domain-name:value = 'good-shop.com']"),
    "marking": lambda obj: obj.update(object_marking_refs=["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]),
}


@pytest.mark.parametrize("part", ALTERED)
def test_altered_report_does_not_verify(part: str) -> None:
    obj = orjson.loads(_signed())
    ALTERED[part](obj)
    with pytest.raises(BadProof):
        hub_report.read(orjson.dumps(obj)).verify(KEY.verifier)


def test_signature_of_another_key_of_the_same_name_is_refused() -> None:
    impostor = SignerKey.make(KEY.name)
    body = hub_report.sign(orjson.loads(_signed()), impostor)
    with pytest.raises(BadProof, match="another key"):
        hub_report.read(body).verify(KEY.verifier)


HOSTILE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another origin's id": lambda obj: obj.update(id=hub_report.report_id("hub.example.th/log", NONCE)),
    "a text": lambda obj: obj.update(description="Somchai, 081 234 5678"),
    "a name": lambda obj: _own(obj)["reports"][0].update(name="First Bank"),
    "a reference": lambda obj: obj["extensions"][EXTENSION].update(reference="case 7 of Somchai"),
    "another extension": lambda obj: obj["extensions"].update({"extension-definition--x": {}}),
    "two markings": lambda obj: obj["object_marking_refs"].append("marking-definition--x"),
    "granular markings": lambda obj: obj.update(granular_markings=[]),
    "51 reporters": lambda obj: _own(obj).update(reports=_own(obj)["reports"] * 51),
    "a weight above 99": lambda obj: _own(obj)["reports"][0].update(weight=100),
    "a negative weight": lambda obj: _own(obj)["reports"][0].update(weight=-1),
    "a time without an offset": lambda obj: _own(obj)["reports"][0].update(at="2026-11-29T08:00:00"),
    "a limit to partners": lambda obj: _own(obj)["reports"][0].update(limits={"only_partners": ["First Bank"]}),
    "a number beyond JSON": lambda obj: _own(obj).update(number=1 << 53),
    "number 0": lambda obj: _own(obj).update(number=0),
    "another kind of partner": lambda obj: _own(obj)["reports"][0].update(kind="peer"),
    "a long token": lambda obj: _own(obj)["reports"][0].update(by="A" * 200),
    "a stream of no hub": lambda obj: _own(obj).update(stream="First Bank"),
    "no signature": lambda obj: _own(obj).pop("signature"),
    "entries in a revoked version": lambda obj: obj.update(revoked=True),
    "no entries in an active version": lambda obj: _own(obj).pop("reports"),
    "another type": lambda obj: obj.update(type="sighting"),
    "an unreadable version": lambda obj: _own(obj).update(version="1"),
}


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_report_is_refused_without_its_data(part: str) -> None:
    obj = orjson.loads(_signed())
    HOSTILE[part](obj)
    with pytest.raises(Rejected) as refused:
        hub_report.read(orjson.dumps(obj))
    assert refused.value.reason.startswith("hub-report-")
    assert "Somchai" not in refused.value.message


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"type":"indicator"}', b'{"a":' * 5_000, b"\xff", b"x" * (hub_report.LONGEST + 1), b"null"],
)
def test_other_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(Rejected, match="hub-report-"):
        hub_report.read(body)


def test_a_name_twice_is_refused() -> None:
    body = _signed().replace(b'"confidence":60', b'"confidence":60,"confidence":99')
    with pytest.raises(Rejected, match="hub-report-form"):
        hub_report.read(body)


@pytest.mark.parametrize(
    "change",
    [
        {"pattern": "[domain-name:value = 'bad-shop.com'] OR [domain-name:value = 'good-shop.com']"},
        {"pattern": "[domain-name:value = 'BAD-shop.com']"},
        {"pattern": "[file:hashes.'SHA-256' = 'ab']"},
        {"confidence": 1000},
        {"valid_until": "next week"},
    ],
)
def test_value_is_read_from_the_canonical_pattern_only(change: dict[str, Any]) -> None:
    found = hub_report.read(hub_report.sign(orjson.loads(_signed()) | change, KEY))
    with pytest.raises(Rejected):
        mapper.value_of(found)


def test_evidence_of_another_hub_has_no_places() -> None:
    obj = orjson.loads(_signed())
    obj["extensions"][EXTENSION]["evidence"] = [{"sha256": "ab" * 32, "reference": "https://drive.example/somchai"}]
    with pytest.raises(Rejected, match="hashes"):
        mapper.value_of(hub_report.read(hub_report.sign(obj, KEY)))


def test_unknown_version_is_read_without_its_entries_and_verified() -> None:
    obj = orjson.loads(_signed())
    _own(obj).update(version=2, reports="of another form", extra={"a": 1})
    found = hub_report.read(hub_report.sign(obj, KEY))
    found.verify(KEY.verifier)
    assert (found.report, found.number) == (None, NUMBER)


@pytest.mark.parametrize("erased", [None, Erased("cleared")])
def test_last_version_is_revoked_and_an_erased_one_has_no_value(erased: Erased | None) -> None:
    last = HubReport(version=1, stream="open", number=NUMBER + 1, nonce=NONCE, erased=erased)
    ended = mapper.ended(orjson.loads(_signed()), last, "2026-11-29T08:03:34.604879Z")
    found = hub_report.read(hub_report.sign(ended, KEY))
    found.verify(KEY.verifier)
    assert found.revoked
    assert found.report is not None
    assert found.report.is_empty
    assert (b"bad-shop" in found.body) is (erased is None)


def test_tokens_differ_by_value_hub_and_type_and_reveal_their_type() -> None:
    tokens = [
        hub_report.plain_token(b"hub", "first bank", SUBJECT),
        hub_report.plain_token(b"other hub", "first bank", SUBJECT),
        hub_report.plain_token(b"hub", "first bank", "domain:other.com"),
        hub_report.plain_token(b"hub", "second bank", SUBJECT),
        hub_report.linked_token(b"first bank's own", SUBJECT),
        hub_report.linked_token(b"first bank's own", "domain:other.com"),
        hub_report.public_token("urlhaus", SUBJECT),
    ]
    assert len(set(tokens)) == len(tokens)
    assert [hub_report.token_type(token) for token in tokens] == [
        *[TokenType.PLAIN] * 4,
        *[TokenType.LINKED] * 2,
        TokenType.PUBLIC,
    ]
    assert hub_report.token_type("_" * 18) is None


def _head(**more: Any) -> HubHead:
    digest = hub_head.set_digest([("a", 1), ("b", 2)])
    return HubHead(origin=HUB, stream="open", number=NUMBER, reports=2, digest=digest, at=NOW, every=3600, **more)


def test_head_is_small_and_verified() -> None:
    body = _head().sign(KEY)
    assert len(body) <= 400
    found = hub_head.read_head(body)
    found.verify(KEY.verifier)
    assert (found.origin, found.head.number, found.head.reports) == (KEY.name, NUMBER, 2)
    assert found.head.digest == hub_head.set_digest([("b", 2), ("a", 1)]) != hub_head.set_digest([("a", 1)])


@pytest.mark.parametrize(
    "change", [{"number": 1}, {"reports": 3}, {"digest": "0" * 64}, {"ends": "2026-12-01T00:00:00Z"}, {"extra": 1}]
)
def test_altered_head_does_not_verify(change: dict[str, Any]) -> None:
    body = orjson.dumps(orjson.loads(_head().sign(KEY)) | change)
    with pytest.raises(BadProof):
        hub_head.read_head(body).verify(KEY.verifier)


@pytest.mark.parametrize("change", [{"number": -1}, {"digest": "x"}, {"every": 0}, {"at": "now"}, {"signature": ""}])
def test_malformed_head_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="hub-head-form"):
        hub_head.read_head(orjson.dumps(orjson.loads(_head().sign(KEY)) | change))


def test_next_key_needs_the_old_key_and_the_recovery_key() -> None:
    recovery, following = SignerKey.make("hub.example.kh/recovery"), SignerKey.make(KEY.name)
    text = hub_head.next_text(KEY.verifier, following.verifier)
    head = _head(
        next_key=str(following.verifier),
        next_by=str(KEY.verifier),
        next_signature=hub_report.signature_text(KEY, text),
        next_proof=hub_report.signature_text(recovery, text),
    )
    read = hub_head.read_head(head.sign(following)).head
    assert read.confirms_next(KEY.verifier, recovery.verifier) == following.verifier
    thief = SignerKey.make(KEY.name)
    forged = hub_report.signature_text(KEY, hub_head.next_text(KEY.verifier, thief.verifier))
    for other in (
        msgspec.structs.replace(head, next_proof=None),
        msgspec.structs.replace(head, next_key=str(thief.verifier), next_signature=forged),
        msgspec.structs.replace(head, next_key=str(thief.verifier), next_signature=forged, next_proof=forged),
    ):
        assert other.confirms_next(KEY.verifier, recovery.verifier) is None
    assert read.confirms_next(KEY.verifier, None) is None


def test_id_is_the_uuid_of_origin_and_nonce() -> None:
    """Other programs compute it as RFC 9562 does."""
    nonce = hub_report.nonce(b"secret", "domain:bad-shop.com")
    namespace = UUID("bbf4c776-505e-4daf-a562-f7db5a330f95")
    expected = uuid5(namespace, f"hub report hub.example.th/log {nonce}")
    assert hub_report.report_id("hub.example.th/log", nonce) == f"indicator--{expected}"
