"""A bank posts a victim's identity in every known place and spelling; another bank reads everything it may."""

import base64
import json
import unicodedata
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mappers import extension, ids, marking
from mappers.indicator import to_stix
from mappers.records import to_stix as record_to_stix
from schemas import tabular
from schemas.tabular import ReportReader
from schemas.vocabulary import Tlp
from server.store import collections
from server.web.taxii.application import call_wsgi
from tests.integration.two_worlds import TAXII, Ground, World, prepared, world_on
from tests.searches import examples
from tests.times import text_ago, text_ahead

CARD, PHONE, MAIL, THAI_ID, IBAN = (
    "4242424242424242",
    "0812345678",
    "jane.doe@example.com",
    "1234545678781",
    "GB29NWBK60161331926819",
)
# Parts of numbers and addresses to search for in another bank's data after normalisation.
NEEDLES = (CARD, PHONE[1:], "janedoeexamplecom", THAI_ID, IBAN.lower(), "janedoe", "qzmarkerqz")
BASE64 = base64.b64encode(f"victim {MAIL} {PHONE}".encode()).decode()
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
THAI = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
OTHERS = "extension-definition--22222222-2222-4222-8222-222222222222"
WHEN = text_ago(days=30)
READS = ("mule-accounts-full", "takedown-full", "wallets-full", "sightings-full", "public-full")

Object = dict[str, Any]


def ours(**said: Any) -> Object:
    return {"extensions": {extension.ID: {"extension_type": "property-extension", **said}}}


def others(**said: Any) -> Object:
    return {"extensions": {OTHERS: {"extension_type": "property-extension", **said}}}


# Places where the structure of an object accepts unspecified text.
PLACES: dict[str, Object] = {
    "value": {"value": PHONE},
    "value deep": {"x_a": {"b": [{"value": MAIL}]}},
    "context": {"context": f"victim {MAIL}"},
    "context deep": {"x_a": {"context": CARD}},
    "lang": {"lang": f"th-{PHONE[:4]}-{PHONE[4:]}"},
    "iban": {"iban": IBAN},
    "user_id": {"x_account": {"user_id": MAIL}},
    "account_login": {"account_login": MAIL},
    "kind in ours": ours(kind=MAIL),
    "value in ours": ours(value=CARD),
    "details in ours": ours(details={"value": PHONE}),
    "detail words in ours": ours(details={"victim": MAIL}),
    "countries in ours": ours(countries=[MAIL]),
    "sharing in ours": ours(sharing={"only_partners": [f"identity--{MAIL}"], "onward": True}),
    "outcome reason": ours(outcome="blocked", outcome_reason=f"jane-doe-{PHONE}"),
    "channel": ours(channel=f"jane-doe-{PHONE}"),
    "scam type": ours(scam_type=f"jane-doe-{PHONE}"),
    "hold": ours(hold={"until": text_ahead(days=30), "reference": PHONE}),
    "chain of details": ours(details={"chain": f"jane-doe-{PHONE}"}),
    "reference of evidence": ours(evidence=[{"sha256": "0a" * 32, "reference": PHONE}]),
    "name and pattern": {"name": f"victim {MAIL}", "x_pattern": f"[a:b = '{MAIL}']"},
    "null and booleans": {"x_a": None, "x_b": {f"victim: {MAIL}": None}},
    "evidence": ours(evidence=[{"sha256": f"{CARD}", "reference": MAIL}]),
    "evidence hash": ours(evidence=[{"sha256": CARD * 4}]),
    "feedback": ours(feedback={"event": MAIL}),
    "reference that is a mobile number": ours(reference=PHONE),
    "reference that is a card": ours(reference=CARD),
    "reference that is an id": ours(reference=THAI_ID),
    "others' value": others(value=MAIL),
    "others' deep": others(a={"b": {"c": {"iban": IBAN}}}),
    "card as a number": {"x_n": int(CARD)},
    "card as a float": {"x_n": float(CARD)},
    "telephone as a number": {"x_n": int(PHONE)},
    "count": {"count": int(PHONE)},
    "confidence": {"confidence": int(PHONE)},
    "property's name": {f"x_{PHONE}": True},
    "property's name deep": {"x_a": {f"jane_doe_{CARD}": 1}},
    "property's name in ours": ours(**{f"jane_doe_{CARD}": 1}),
    "property's name in words": {"x_a": {"victim: Jane Doe": True}},
    "labels": {"labels": [MAIL]},
    "label of our form": {"labels": [f'scam:type="{PHONE}"', "scam"]},
    "split labels": {"labels": [PHONE[:3], PHONE[3:6], PHONE[6:]]},
    "split in a list": {"x_a": [CARD[:4], CARD[4:8], CARD[8:12], CARD[12:]]},
    "external reference": {"external_references": [{"source_name": "bank", "external_id": PHONE, "url": MAIL}]},
    "origin": {"external_references": [{"source_name": "scamfeed-origin", "external_id": f"victim {MAIL}"}]},
    "hash": {"external_references": [{"source_name": "a", "hashes": {"SHA-256": CARD}}]},
    "marking": {"object_marking_refs": [f"marking-definition--{MAIL}"]},
    "granular marking": {"granular_markings": [{"selectors": [MAIL], "lang": PHONE, "marking_ref": CARD}]},
    "where sighted": {"where_sighted_refs": [f"identity--{MAIL}"]},
    "observed data": {"observed_data_refs": [f"observed-data--{PHONE}"]},
    "authors": {"authors": ["Jane Doe"]},
    "fraction of a second": {"modified": f"{WHEN[:19]}.{PHONE}Z"},
    "first seen": {"first_seen": PHONE},
    "first seen in ours": ours(first_seen=MAIL),
    "type of an extension": {"extensions": {extension.ID: {"extension_type": MAIL}}},
    "definition": {"definition": {"tlp": MAIL}, "definition_type": MAIL},
    "kill chain": {"kill_chain_phases": [{"kill_chain_name": MAIL, "phase_name": PHONE}]},
}

# Spellings of a text that a reader still understands.
TEXTS: dict[str, str] = {
    "plain": f"victim {MAIL}",
    "passport in groups": "passport: AA 123 4567 of Jane Doe",
    "identity card before the word": "Jane Doe, 12 345 678 (identity card)",
    "driving licence in Thai": "ใบขับขี่ 6100-1234 ของ Jane Doe",
    "zero width": "\u200b".join(MAIL),
    "zero width in a number": "\u200d".join(PHONE),
    "soft hyphens": "\u00ad".join(CARD),
    "word joiner": "\u2060".join(CARD),
    "grapheme joiner": "\u034f".join(CARD),
    "variation selectors": "\ufe0f".join(PHONE),
    "tags": "\U000e0041".join(PHONE),
    "filler": "\u3164".join(CARD),
    "combining marks": "\u0301".join(CARD),
    "underscores": "4242_4242_4242_4242",
    "underscores in a number": "081_234_5678",
    "dots": "4242.4242.4242.4242",
    "slashes": "4242/4242/4242/4242",
    "middle dots": "4242·4242·4242·4242",
    "en dashes": "4242–4242–4242–4242",
    "every digit apart": " ".join(CARD),
    "every digit of a number apart": " ".join(PHONE),
    "dots between digits": ".".join(PHONE),
    "at in brackets": "jane.doe[at]example.com",
    "at in round brackets": "jane.doe (at) example (dot) com",
    "at and dot in words": "jane.doe at example dot com",
    "sign in brackets": "jane.doe[@]example[.]com",
    "dot in brackets": "jane.doe@example[.]com",
    "thai word for at": "jane.doe[แอท]example.com",
    "blanks around the sign": "jane.doe @ example.com",
    "entity": "jane.doe&#64;example.com",
    "entity by name": "jane.doe&commat;example&period;com",
    "escaped": "jane.doe%40example.com",
    "escaped twice": "jane.doe%2540example.com",
    "full width sign": "jane.doe＠example．com",
    "small sign": "jane.doe﹫example.com",
    "ideographic stop": "jane.doe@example。com",
    "full width digits": CARD.translate(FULL_WIDTH),
    "thai digits": f"โทร {PHONE.translate(THAI)}",
    "circled digits": "".join(chr(0x2460 + int(digit) - 1) if digit != "0" else "⓪" for digit in PHONE),
    "superscripts": "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in CARD),
    "mathematical digits": "".join(chr(0x1D7CE + int(digit)) for digit in CARD),
    "query of a url": f"see https://shop.example.com/?mail={MAIL}",
    "number in a query": f"see https://shop.example.com/pay?tel={PHONE}",
    "card in a query": f"see https://shop.example.com/pay?card={CARD}",
    "card in a path": f"see https://shop.example.com/pay/{CARD}/done",
    "escaped in a url": "see https://shop.example.com/?u=jane.doe%40example.com",
    "path of a url": f"see https://shop.example.com/u/{MAIL}",
    "fragment of a url": f"hxxps://shop[.]example[.]com/#{PHONE}",
    "mailto": f"mailto:{MAIL}",
    "tel": f"tel:{PHONE}",
    "international in a url": "https://shop.example.com/?to=%2B66812345678",
    "base64": BASE64,
    "thai id with underscores": "1_2345_45678_78_1",
    "thai id in thai digits": "เลขประจำตัว 1-2345-45678-78-1".translate(THAI),
    "iban": f"money came from {IBAN}",
    "iban in groups": "money came from GB29 NWBK 6016 1331 9268 19",
    "iban with dots": "from GB29.NWBK.6016.1331.9268.19",
    "name with underscores": "account_holder:_Jane_Doe",
    "name with zero width": "account hol\u200bder: Jane Doe",
    "name in full width": "ａｃｃｏｕｎｔ　ｈｏｌｄｅｒ： Jane Doe",
    "cyrillic look-alike": "jаne.doe@exаmple.com",
    "number by brackets": "(081) 234 (5678)",
    "number by odd groups": "08-12-34-56-78",
    "international without blanks": "+66812345678",
    "international with zeros": "0066812345678",
}
WHERE = {
    "sighting": ("description",),
    "opinion": ("explanation",),
    "note": ("content", "abstract"),
    "grouping": ("description", "name"),
}


def squeezed(body: bytes) -> str:
    """Return only letters and digits of a body, in their plain spelling."""
    text = unicodedata.normalize("NFKD", json.dumps(json.loads(body), ensure_ascii=False))
    text = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char.lower() for char in text)
    text = text.replace("а", "a")
    return "".join(char for char in text if char.isalnum())


class Bank:
    """Posts as First Bank, and reads as Second Bank."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.identity = ids.identity("First Bank")
        self._number = 0

    def request(self, name: str, method: str, path: str, body: bytes = b"") -> tuple[str, bytes]:
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "HTTP_AUTHORIZATION": f"Bearer {self._world.tokens[name]}",
            "HTTP_ACCEPT": TAXII,
            "HTTP_HOST": "hub.example",
            "SERVER_NAME": "hub.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": TAXII,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            "wsgi.url_scheme": "https",
        }
        status, _, answer = call_wsgi(self._world.application, environ)
        return status, answer

    def indicator(self) -> Object:
        """Report a value that no other partner reports."""
        self._number += 1
        defaults = {"reporter": "First Bank", "reported_at": WHEN, "kind": "domain", "tlp": "clear"}
        value = f"shop-{'abcdefghij'[self._number % 10]}{self._number}.example.com"
        return to_stix(ReportReader(defaults).report({"value": value}))[1]

    def annotations(self, of: str) -> dict[str, Object]:
        """Return one annotation of each type, without any person's data."""
        defaults = {"reporter": "First Bank", "reported_at": WHEN, "tlp": "clear"}
        asked: dict[str, tuple[str, Object]] = {
            "sighting": ("sighting", {"of": of}),
            "opinion": ("outcome", {"of": of, "outcome": "blocked"}),
            "grouping": ("case", {"name": f"Operation {self._number}", "members": [of]}),
        }
        made = {
            type_: record_to_stix(tabular.read_record(which, said, defaults))[-1]
            for type_, (which, said) in asked.items()
        }
        note = {
            "type": "note",
            "spec_version": "2.1",
            "id": f"note--{of.partition('--')[2]}",
            "created_by_ref": self.identity,
            "created": WHEN,
            "modified": WHEN,
            "content": "Seen in three campaigns.",
            "object_refs": [of],
            "object_marking_refs": [marking.ref(Tlp.CLEAR)],
        }
        return {**made, "note": note}

    def post(self, *objects: Object) -> Object:
        body = json.dumps({"objects": objects}).encode()
        status, answer = self.request("First Bank", "POST", "/feed/collections/inbox/objects/", body)
        assert status.startswith("202"), (status, answer)
        said: Object = json.loads(answer)
        return said

    def read_by_another(self) -> dict[str, bytes]:
        return {
            alias: self.request("Second Bank", "GET", f"/feed/collections/{alias}/objects/")[1]
            for alias in (*READS, "for-second-bank")
        }


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return prepared(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def bank(ground: Ground, tmp_path: Path) -> Iterator[Bank]:
    with world_on(ground, tmp_path / "world.db") as world:
        with world.store.begin() as tx:
            collections.grant(tx, "First Bank", collections.get(tx, "inbox"), write=True)
            for name in ("First Bank", "Second Bank"):
                for alias in READS:
                    collections.grant(tx, name, collections.get(tx, alias), read=True)
        yield Bank(world)


def changed(obj: Object, change: Object) -> Object:
    if "extensions" in change:
        before = obj.get("extensions", {})
        merged = {name: {**before.get(name, {}), **said} for name, said in change["extensions"].items()}
        change = {**change, "extensions": {**before, **merged}}
    return {**obj, **change}


def nothing_leaks(bank: Bank, needles: tuple[str, ...] = NEEDLES) -> None:
    for alias, body in bank.read_by_another().items():
        seen = squeezed(body)
        assert BASE64[:20] not in body.decode(), alias
        # The harmless lines of the objects themselves contain none of it.
        assert [needle for needle in needles if needle in seen] == [], alias


@pytest.mark.parametrize("place", PLACES)
def test_no_place_of_an_annotation_carries_a_person_to_another_bank(bank: Bank, place: str) -> None:
    indicator = bank.indicator()
    bank.post(indicator)
    for obj in bank.annotations(indicator["id"]).values():
        bank.post(changed(obj, PLACES[place]))
    bank.post(changed(bank.indicator(), PLACES[place]))
    nothing_leaks(bank)


@pytest.mark.parametrize("spelling", TEXTS)
def test_no_spelling_of_a_text_carries_a_person_to_another_bank(bank: Bank, spelling: str) -> None:
    indicator = bank.indicator()
    bank.post(indicator)
    made = bank.annotations(indicator["id"])
    for type_, places in WHERE.items():
        for place in places:
            answer = bank.post(changed(made[type_], {place: f"text {TEXTS[spelling]}"[:200]}))
            assert answer["failure_count"] == 1, (type_, place)
            assert "personal-data" in answer["failures"][0]["message"] or "it seems to contain" in str(
                answer["failures"]
            )
    told = bank.post({**bank.indicator(), "description": f"text {TEXTS[spelling]}"})
    assert told["failure_count"] == 1
    nothing_leaks(bank)


def test_description_of_a_scam_reaches_another_bank_unchanged(bank: Bank) -> None:
    """Prove that the search can succeed: it finds known words in known places."""
    indicator = bank.indicator()
    bank.post(indicator)
    made = bank.annotations(indicator["id"])
    for type_, places in WHERE.items():
        answer = bank.post(changed(made[type_], dict.fromkeys(places, f"qzwords of a {type_}")))
        assert answer["success_count"] == 1
    read = b"".join(bank.read_by_another().values()).decode()
    assert all(f"qzwords of a {type_}" in read for type_ in WHERE)


def test_sender_learns_of_unpublished_parts(bank: Bank) -> None:
    indicator = bank.indicator()
    note = {**bank.annotations(indicator["id"])["note"], "x_rating": 3, "authors": ["desk"], "labels": ["a"]}
    answer = bank.post(indicator, note)
    assert answer["success_count"] == 2
    (told,) = [each["message"] for each in answer["successes"] if each["id"] == note["id"]]
    assert told == "published without unknown properties: x_rating, authors, labels"


def test_reporter_learns_of_unpublished_references(bank: Bank) -> None:
    proof = {"sha256": "0a" * 32, "reference": THAI_ID}
    told = [changed(bank.indicator(), ours(reference=PHONE, evidence=[proof])), bank.indicator()]
    successes = bank.post(*told)["successes"]
    assert [each.get("message") for each in successes] == [
        "published without properties that could contain a person's number: reference, evidence: if others need the "
        "case number, write it with letters",
        None,
    ]


_KEYS = st.sampled_from(
    ["value", "context", "lang", "x_a", "iban", "labels", "name", "description", "sharing", "count"]
)
_MARKED = st.recursive(
    st.sampled_from(["qzmarkerqz", MAIL, CARD, int(CARD), PHONE]),
    lambda inner: st.lists(inner, min_size=1, max_size=2) | st.dictionaries(_KEYS, inner, min_size=1, max_size=2),
    max_leaves=3,
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_text_in_random_places_reaches_no_partner(bank: Bank, data: st.DataObject) -> None:
    indicator = bank.indicator()
    bank.post(indicator)
    made = bank.annotations(indicator["id"])
    type_ = data.draw(st.sampled_from(sorted(made)))
    obj = made[type_]
    free = {*WHERE[type_], "type", "id", "extensions"}
    name = data.draw((st.sampled_from(sorted(obj)) | _KEYS).filter(lambda name: name not in free))
    value = data.draw(_MARKED)
    change: Object = {name: value}
    wrap: Callable[..., Object] = data.draw(st.sampled_from([dict, ours, others]))
    if wrap is not dict:
        change = wrap(**{name: value})
    bank.post(changed(obj, change))
    nothing_leaks(bank)
