"""After an erasure no byte of the database contains the value, and everything else is unchanged."""

import base64
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from sqlalchemy import JSON, LargeBinary, Text, insert, inspect, select

from mappers import ids
from schemas import tabular
from schemas.request import Request
from schemas.tlog.entries import digest_part, digest_text
from server.features.erasures import action, job
from server.features.erasures.plan import NothingKnown, StillAsked
from server.features.requests import records as requests, views
from server.features.requests.records import StoredRequest, StoredStep
from server.operations import dual_control, registry
from server.release import review as reviewing
from server.release.fuse.statements import WITHHELD
from server.release.results import Result
from server.store import collections, erased, inbox, jobs, log, partners, reviews
from server.store.collections import Collection
from server.store.database.times import now, stamp
from server.store.item import Item, compact
from server.store.objects import bodies, digests, object_ids
from server.store.objects.query import Query
from server.store.subjects import digest
from server.store.tables import Erase, declared, dictionaries, objects
from tests.times import text_ago, text_ahead
from tests.unit.server.features.erasures.conftest import REPORTED, ErasingHub, halves
from tests.unit.server.store.ledger.checks import check, openings, seal, served

DAY = 86_400_000_000
NUMBER = "1234567890"
VALUE = f"KASITHBK:{NUMBER}"
SUBJECT = f"bank-account:TH:{VALUE}"
OTHER = "KASITHBK:9998887776"
SPELLED = (NUMBER, "123-4-56789-0", "123 4 56789 0", "๑๒๓๔๕๖๗๘๙๐")

# Spellings that the guard decodes before its search for personal data do not escape an erasure either.
HIDDEN = {
    "full-width": "".join(chr(ord(char) + 0xFEE0) for char in NUMBER),
    "percent-encoded": "".join(f"%{ord(char):02X}" for char in NUMBER),
    "twice percent-encoded": "".join(f"%25{ord(char):02X}" for char in NUMBER),
    "as entities": "".join(f"&#{ord(char)};" for char in NUMBER),
    "as hexadecimal entities": "".join(f"&#x{ord(char):x};" for char in NUMBER),
    "in Base64": base64.b64encode(f"pay to {NUMBER} now".encode()).decode(),
    "in Base64 for URLs": base64.urlsafe_b64encode(f"pay to {NUMBER}? now?".encode()).decode().rstrip("="),
    "spaced": " ".join(NUMBER),
    "with gaps": "     ".join(NUMBER),
    "over lines": "\n".join(NUMBER),
    "with characters that are not seen": "\u200b".join(NUMBER),
    "with other separators": "123*4*56789*0",
}


def listed_wrongly(hub: ErasingHub) -> list[str]:
    """Let several partners contribute much about one value, and return all ids computable from it."""
    first, second, police = hub.join("First"), hub.join("Second"), hub.join("Police", "government", "mule-accounts")
    said = hub.report(first, VALUE, description=f"pay to {SPELLED[1]} or {SPELLED[3]}ค่ะ")
    again = hub.report(second, VALUE, description="seen twice")
    other = hub.report(second, OTHER, description=f"the same gang as {SPELLED[2]}, they say")
    listing = hub.listing(SUBJECT)
    told = [
        hub.record(police, record="sighting", of=listing, description=f"at {NUMBER}", last_seen=text_ago(days=29)),
        hub.record(second, record="opinion", of=again["id"], opinion="agree", description=f"{SPELLED[2]} it is"),
        hub.record(
            second, record="case", members=[again["id"], other["id"]], name="A gang", description=f"uses {SPELLED[1]}"
        ),
    ]
    with hub.store.begin() as tx:
        done = {"id": "x", "total_count": 1, "success_count": 1, "failure_count": 0, "pending_count": 0}
        status = {**done, "successes": [{"id": said["id"], "version": REPORTED}]}
        inbox.save_status(tx, "feed", "s", "First", msgspec.json.encode(status))
    made = {obj["id"] for by in (first, second) for obj in hub.objects(by, VALUE)} | {said["id"], again["id"]}
    observable = next(id_ for id_ in made if id_.startswith("bank-account--"))
    return [*made, ids.relationship("based-on", listing, observable), *(obj["id"] for obj in told[:2])]


TOOL = {"type": "tool", "id": "tool--2", "spec_version": "2.1", "name": "a tool"}
OUT_OF_RANGE = b'{"type":"tool","name":"about ' + NUMBER.encode() + b'","x_a":1e400}'
# Whether it can be written again depends on the version of Python.
DEEP = b'{"type":"tool","x_a":' + b'{"b":[' * 460 + b'"' + NUMBER.encode() + b'"' + b"]}" * 460 + b"}"


def test_no_byte_of_the_value_remains(hub: ErasingHub) -> None:
    computable = listed_wrongly(hub)
    number = digest(SUBJECT).to_bytes(8)
    needles = [*SPELLED, SUBJECT, *computable, *(half for id_ in computable for half in halves(id_))]
    assert hub.traces(*SPELLED, number, number[::-1])
    hub.erase(VALUE)
    assert hub.traces(*needles, number, number[::-1]) == []


def test_review_of_the_notice_to_the_provider_is_erased_too(hub: ErasingHub) -> None:
    provider = hub.join("Keeper")
    with hub.store.begin() as tx:
        partners.change(tx, provider.model_copy(update={"institutions": ("KASITHBK",)}))
    said = hub.report(hub.join("First"), VALUE, not_to_partners="Keeper")
    with hub.store.read() as tx:
        assert [review.rule for review in reviews.all_reviews(tx)] == [WITHHELD]
    hub.erase(VALUE)
    assert hub.traces(said["id"]) == []


def test_readers_get_a_tombstone_in_place_of_the_revocation(hub: ErasingHub) -> None:
    hub.report(hub.join("First"), VALUE)
    listing = hub.listing(SUBJECT)
    with hub.store.read() as tx:
        place = log.last_added(tx, collections.get(tx, "mule-accounts"))
    hub.erase(VALUE)
    with hub.store.read() as tx:
        page = log.page(tx, collections.get(tx, "mule-accounts"), Query(after=place or 0))
    [last] = [msgspec.json.decode(body) for body in page.bodies if listing in body.decode()]
    assert (last["id"], last["revoked"], last["name"]) == (listing, True, "Erased")
    assert last["valid_from"] < last["valid_until"]


def test_every_other_proof_of_the_ledger_stays_whole(hub: ErasingHub) -> None:
    computable = listed_wrongly(hub)
    seal(hub.store)
    shared = [by_alias(hub, alias) for alias in ("mule-accounts", "mule-accounts-full", "sightings", "sightings-full")]
    before = {collection: served(hub.store, collection) for collection in shared}
    opened = [(opening.id, opening.salt) for collection in shared for opening in openings(hub.store, collection)]
    listing, other = hub.listing(SUBJECT), hub.listing(f"bank-account:TH:{OTHER}")
    erased_salts = [salt for id_, salt in opened if id_ == listing or id_ in computable]
    assert len(erased_salts) >= 4
    assert hub.traces(*map(bytes.fromhex, erased_salts))
    hub.erase(VALUE)
    seal(hub.store)
    for collection in shared:
        check(hub.store, collection)
        after = served(hub.store, collection)
        assert after[: len(before[collection])] == before[collection]
    assert hub.traces(*map(bytes.fromhex, erased_salts)) == []
    left = [(opening.id, opening.salt) for collection in shared for opening in openings(hub.store, collection)]
    # The tombstone has its own entry, and so do texts in which the value was replaced.
    assert {listing, other} <= {id_ for id_, _ in left}
    assert not {id_ for id_, _ in left} & set(computable)
    assert not {salt for _, salt in left} & set(erased_salts)


def by_alias(hub: ErasingHub, alias: str) -> Collection:
    with hub.store.read() as tx:
        return collections.get(tx, alias)


def test_annotations_of_other_values_stay(hub: ErasingHub) -> None:
    listed_wrongly(hub)
    before = hub.latest("mule-accounts")
    other = hub.listing(f"bank-account:TH:{OTHER}")
    hub.erase(VALUE)
    after = hub.latest("mule-accounts")
    assert after[other]["pattern"] == before[other]["pattern"]
    assert "[erased]" in after[other].get("description", "[erased]")
    [case] = [obj for obj in after.values() if obj["type"] == "grouping"]
    assert case["object_refs"] == [other] or other in case["object_refs"]
    with hub.store.read() as tx:
        everything = log.page(tx, collections.get(tx, "inbox"), Query()).bodies
    mine = [obj for obj in map(msgspec.json.decode, everything) if obj["type"] == "indicator"]
    assert [obj["description"] for obj in mine] == ["the same gang as [erased], they say"]


def test_counts_pages_and_digests_stay_correct(hub: ErasingHub) -> None:
    listed_wrongly(hub)
    for number in range(30):
        hub.report(hub.join(f"Bank {number}"), f"KASITHBK:55500{number:05}")
    aliases = ("mule-accounts", "mule-accounts-full")
    with hub.store.begin() as tx:
        of = [collections.get(tx, alias) for alias in aliases]
        for collection in of:
            digests.begin(tx, collection)
    for collection in of:
        while digests.fold(hub.store, collection):
            pass
    with hub.store.read() as tx:
        marks = [log.change_mark(tx, collection, 0, collection.last_added) for collection in of]
        middle = [log.page(tx, collection, Query(limit=20)).next for collection in of]
    hub.erase(VALUE)
    for alias, mark, place in zip(aliases, marks, middle, strict=True):
        with hub.store.read() as tx:
            collection = collections.get(tx, alias)
            whole = log.page(tx, collection, Query()).bodies
            assert log.count(tx, collection) == len(whole)
            assert log.change_mark(tx, collection, 0, collection.last_added) != mark
            rest = log.page(tx, collection, Query(after=place or 0)).bodies
            assert whole[-len(rest) :] == rest
        while digests.fold(hub.store, collection):
            pass
        with hub.store.read() as tx:
            stated = digests.of(tx, collection)
        objects = [msgspec.json.decode(body) for body in whole]
        active = [obj for obj in objects if not obj.get("revoked")]
        total = sum(digest_part(obj["id"], obj.get("modified", obj.get("created", ""))) for obj in active)
        assert stated is not None
        assert (stated.active, stated.digest) == (len(active), digest_text(total % (1 << 256)))


def test_dictionary_with_its_words_is_retired(hub: ErasingHub) -> None:
    bank = hub.join("First")
    sample = b'{"description":"pay to 1234567890 now","pattern":"[bank-account:account_number = "}' * 9
    with hub.store.begin() as tx:
        tx.execute(insert(dictionaries).values(number=2, made=1, bytes=sample))
        bodies.of(tx).learn(tx)
    hub.report(bank, VALUE)
    hub.report(bank, OTHER, description="pay to somebody now")
    before = hub.latest("mule-accounts")[hub.listing(f"bank-account:TH:{OTHER}")]
    hub.erase(VALUE)
    assert hub.traces(NUMBER) == []
    assert hub.latest("mule-accounts")[before["id"]] == before
    with hub.store.read() as tx:
        packed = tx.scalars(select(objects.c.body)).all()
    assert {bodies.dictionary_of(body) for body in packed}.isdisjoint({2})


def test_status_of_a_post_does_not_name_it(hub: ErasingHub) -> None:
    listed_wrongly(hub)
    hub.erase(VALUE)
    with hub.store.read() as tx:
        body = inbox.load_status(tx, "feed", "s", "First")
    assert body is not None
    status = msgspec.json.decode(body)
    assert (status["total_count"], status["success_count"], "successes" in status) == (0, 0, False)


def test_later_report_is_held_and_can_be_listed_under_a_new_id(hub: ErasingHub) -> None:
    first = hub.join("First")
    hub.report(first, VALUE)
    listing = hub.listing(SUBJECT)
    hub.erase(VALUE)
    second = hub.join("Second")
    done = hub.post(second, *hub.objects(second, "KBANK 123-4-56789-0"))
    assert Result.HELD in str(done) or done.held
    assert hub.latest("mule-accounts")[listing]["revoked"]
    with hub.store.read() as tx:
        [review] = reviews.all_reviews(tx, "open")
    assert review.rule == "delisted"
    with hub.store.begin() as tx:
        reviewing.decide(hub.hub, tx, [review.object_id], "approved", "Chai")
        assert not erased.has_any(tx)
    new = [obj for obj in hub.latest("mule-accounts").values() if obj["type"] == "indicator" and not obj.get("revoked")]
    assert len(new) == 1
    assert new[0]["id"] != listing


def test_erasure_needs_two_persons(hub: ErasingHub) -> None:
    hub.report(hub.join("First"), VALUE)
    with hub.store.begin() as tx:
        arguments = action.arguments(tx, VALUE, None, "the law asks for it")
        proposed = dual_control.propose(hub.hub, tx, action.ACTION, arguments, "Anong")
        with pytest.raises(dual_control.NotAllowed):
            dual_control.confirm(hub.hub, tx, {"erase": action.ACTION}, proposed.id, "ANONG ")
    assert hub.listing(SUBJECT)
    # A report in between: the second person would confirm something else.
    hub.report(hub.join("Second"), VALUE)
    with hub.store.begin() as tx:
        found, _ = dual_control.confirm(hub.hub, tx, {"erase": action.ACTION}, proposed.id, "Boon")
    assert found.state == "void"


def test_ids_that_a_partner_chooses_erase_nothing_of_others(hub: ErasingHub) -> None:
    victim, hostile = hub.join("Victim"), hub.join("Hostile", "bank", "mule-accounts")
    theirs = hub.objects(victim, OTHER)
    hub.post(victim, *theirs)
    indicator = next(obj for obj in theirs if obj["type"] == "indicator")
    listing = hub.listing(f"bank-account:TH:{OTHER}")
    [mine] = [obj for obj in hub.objects(hostile, VALUE) if obj["type"] == "indicator"]
    for taken in (indicator["id"], listing):
        hub.post(hostile, {**mine, "id": taken})
    hub.erase(VALUE)
    after = hub.latest("mule-accounts")
    assert not after[listing].get("revoked")
    with hub.store.read() as tx:
        bodies = log.page(tx, collections.get(tx, "inbox"), Query()).bodies
    kept = {obj["id"] for obj in map(msgspec.json.decode, bodies)}
    assert {obj["id"] for obj in theirs} <= kept
    assert object_ids.type_of(listing) == "indicator"


def test_erasure_of_an_unreported_value_is_not_proposed(hub: ErasingHub) -> None:
    with hub.store.begin() as tx, pytest.raises(NothingKnown):
        action.arguments(tx, VALUE, None, "the law asks for it")


def descriptions(hub: ErasingHub) -> list[str]:
    """Return the descriptions of all objects in the inbox."""
    with hub.store.read() as tx:
        found = map(msgspec.json.decode, log.page(tx, collections.get(tx, "inbox"), Query()).bodies)
    return [obj["description"] for obj in found if "description" in obj]


def test_values_hidden_in_texts_of_others_are_erased_too(hub: ErasingHub) -> None:
    first, second = hub.join("First"), hub.join("Second")
    hub.report(first, VALUE)
    for number, (way, hidden) in enumerate(HIDDEN.items()):
        hub.report(second, f"KASITHBK:999888{number:04}", description=f"{way}, the same gang uses {hidden} - they say")
    assert len(descriptions(hub)) >= len(HIDDEN)
    hub.erase(VALUE)
    after = descriptions(hub)
    for way, hidden in HIDDEN.items():
        (text,) = {text for text in after if text.startswith(f"{way}, ")}
        assert hidden not in text, way
        assert text.replace("  ", " ") == f"{way}, the same gang uses [erased] - they say", way


def test_rows_of_a_value_written_alike_stay_and_are_counted_once(hub: ErasingHub) -> None:
    listed_wrongly(hub)
    hub.report(hub.join("Third"), f"SICOTHBK:{NUMBER}")
    erasure = hub.erase(VALUE)
    rows = [place for place in hub.traces(NUMBER) if " in " in place]
    with hub.store.read() as tx:
        counts = erased.find(tx, erasure).counts
    assert counts["names of other values that are written alike"] == len(rows) > 0


def test_text_without_hidden_values_is_unchanged(hub: ErasingHub) -> None:
    first, second = hub.join("First"), hub.join("Second")
    hub.report(first, VALUE)
    texts = [
        "100%25 &amp; more  ＡＢ",
        base64.b64encode(b"nothing of interest here").decode(),
        "1234567891 and 9123456780",
    ]
    for number, text in enumerate(texts):
        hub.report(second, f"KASITHBK:999888{number:04}", description=text)
    hub.erase(VALUE)
    assert set(descriptions(hub)) >= set(texts)


@pytest.mark.parametrize(
    "reason", ["", "x" * 300, f"holder of {SPELLED[1]}", *(f"of {text}" for text in HIDDEN.values())]
)
def test_the_reason_is_short_and_does_not_name_the_value(hub: ErasingHub, reason: str) -> None:
    hub.report(hub.join("First"), VALUE)
    with hub.store.begin() as tx, pytest.raises(action.BadReason):
        action.arguments(tx, VALUE, None, reason)


def test_every_column_of_text_says_what_an_erasure_does_with_it(hub: ErasingHub) -> None:
    with hub.store.read() as tx:
        there = set(inspect(tx).get_table_names())
    assert there == {*declared().tables, "alembic_version"}
    for table in declared().sorted_tables:
        for column in table.columns:
            has_text = isinstance(column.type, Text | LargeBinary | JSON)
            assert isinstance(column.info.get(Erase), Erase) is has_text, str(column)


def test_killed_erasure_continues(hub: ErasingHub, monkeypatch: pytest.MonkeyPatch) -> None:
    listed_wrongly(hub)
    with hub.store.begin() as tx:
        arguments = action.arguments(tx, VALUE, None, "the law asks for it")
        proposed = dual_control.propose(hub.hub, tx, action.ACTION, arguments, "Anong")
    with hub.store.begin() as tx:
        dual_control.confirm(hub.hub, tx, registry.actions(), proposed.id, "Boon")
    for step in range(1, 100):
        # Stop one batch later each time, in the middle of its transaction.
        with monkeypatch.context() as stopping, suppress(KeyboardInterrupt):
            stopping.setattr(jobs, "save", stopped_after(step))
            action.finish(hub.hub)
        with hub.store.read() as tx:
            if not job.unfinished(tx):
                break
    action.finish(hub.hub)
    assert hub.traces(NUMBER, SUBJECT) == []
    with hub.store.read() as tx:
        [record] = erased.all_erasures(tx)
    assert record.ended is not None


def stopped_after(batches: int) -> Callable[..., None]:
    """Return ``jobs.save`` changed to kill the process after this many batches."""
    save, left = jobs.save, [batches]

    def stopping(*given: Any, **more: Any) -> None:
        save(*given, **more)
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    return stopping


def a_request(id_: str, subject: str, state: str, content: str) -> StoredRequest:
    return StoredRequest(
        id=id_,
        chain=id_,
        earlier=None,
        hop=0,
        named_by=None,
        withheld=False,
        sender="First",
        addressee="Second",
        sent_as=f"sent {id_}",
        subject=subject,
        content=content,
        state=state,
        agreed=None,
        done=None,
        opened=1,
        changed=1,
        deadline=1,
        reminded=False,
        hold=None,
        hold_until=None,
    )


def test_open_requests_delay_an_erasure_and_closed_ones_are_erased(hub: ErasingHub) -> None:
    listed_wrongly(hub)
    other = f"bank-account:TH:{OTHER}"
    with hub.store.begin() as tx:
        requests.add(tx, a_request("r1", SUBJECT, "open", asked()), {"First": "sender"})
        requests.add(tx, a_request("r2", other, "closed", f'{{"text":"it went to {SPELLED[1]}"}}'), {"First": "sender"})
        requests.add_step(tx, StoredStep("r1", 0, "open", 1, "First", went_to=f'["{VALUE}"]'))
    with pytest.raises(StillAsked, match="r1"):
        hub.erase(VALUE)
    with hub.store.begin() as tx:
        [open_] = requests.find(tx, ["r1"]).values()
        requests.change(tx, open_._replace(state="closed"))
    hub.erase(VALUE)
    assert hub.traces(*SPELLED) == []
    with hub.store.read() as tx:
        assert requests.find(tx, ["r1", "r2"]).keys() == {"r2"}
        assert requests.find(tx, ["r2"])["r2"].content == '{"text":"it went to [erased]"}'


def asked(word: str = "information") -> str:
    """Return a request about the value as it is stored."""
    columns = {"asks": word, "value": NUMBER, "kind": "bank-account", "bank": "KBANK", "country": "TH"}
    more = {"deadline": text_ahead(days=20), "legal_basis": "statute", "reference": "C-1"}
    read = tabular.read_record("request", {**columns, **more}, {"reporter": "First", "reported_at": REPORTED})
    assert isinstance(read, Request)
    return views.content_of(read)


def test_requests_delay_an_erasure_for_days_and_later_ones_do_not(
    hub: ErasingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.report(hub.join("First"), VALUE)
    police = hub.join("Police", "government")
    with hub.store.begin() as tx:
        partners.change(tx, police.model_copy(update={"authority": ("bank-account",)}))
        moment = now()
        kept = a_request("r0", SUBJECT, "open", asked("preserve"))
        # A bank may also request preservation, which does not bind the hub.
        requests.add(tx, a_request("r1", SUBJECT, "open", asked("preserve")), {"First": "sender"})
        requests.add(tx, kept._replace(sender="Police", deadline=moment + 4 * DAY), {"Police": "sender"})
        for id_ in ("r0", "r1"):
            requests.add_step(tx, StoredStep(id_, 0, "open", 1, "First"))
        arguments = action.arguments(tx, VALUE, None, "the law asks for it")
        proposed = dual_control.propose(hub.hub, tx, action.ACTION, arguments, "Anong")
    told = {effect.code: effect.values for effect in proposed.effects}
    assert told["erase-open-requests"] == {"requests": 1, "until": stamp(arguments["proposed"] + 3 * DAY)}
    assert told["erase-kept-by-police"] == {"request": "r0", "until": stamp(moment + 4 * DAY)}
    with hub.store.begin() as tx:
        later = a_request("r2", SUBJECT, "open", asked())._replace(opened=now(), sender="First", deadline=now() + DAY)
        requests.add(tx, later, {"First": "sender"})
        requests.add_step(tx, StoredStep("r2", 0, "open", 1, "First"))

    def confirmed(days: float) -> str:
        with monkeypatch.context() as then, hub.store.begin() as tx:
            then.setattr(action, "now", lambda: moment + int(days * DAY))
            return dual_control.confirm(hub.hub, tx, registry.actions(), proposed.id, "Boon").proposal.state

    for days, waits_for in ((1, "r0, r1"), (3.5, "r0$")):
        with pytest.raises(StillAsked, match=waits_for):
            confirmed(days)
    assert confirmed(5) == "confirmed"
    action.finish(hub.hub)
    with hub.store.read() as tx:
        assert requests.find(tx, ["r0", "r1", "r2"]) == {}
    assert hub.traces(NUMBER) == []


def test_object_that_cannot_be_written_again_is_removed(hub: ErasingHub) -> None:
    hub.report(hub.join("First"), VALUE)
    with hub.store.begin() as tx:
        room = collections.add(tx, "room", "A room")
        log.append(tx, room, [Item("tool--1", "tool", "2.1", None, False, OUT_OF_RANGE), Item.of(TOOL)])
    hub.erase(VALUE)
    with hub.store.read() as tx:
        assert log.page(tx, collections.get(tx, "room"), Query()).bodies == [compact(TOOL)]


def test_deeply_nested_object_is_cleaned_or_removed(hub: ErasingHub) -> None:
    hub.report(hub.join("First"), VALUE)
    with hub.store.begin() as tx:
        room = collections.add(tx, "room", "A room")
        log.append(tx, room, [Item("tool--1", "tool", "2.1", None, False, DEEP), Item.of(TOOL)])
    hub.erase(VALUE)
    with hub.store.read() as tx:
        *cleaned, kept = log.page(tx, collections.get(tx, "room"), Query()).bodies
    assert kept == compact(TOOL)
    assert not any(NUMBER.encode() in body for body in cleaned)
