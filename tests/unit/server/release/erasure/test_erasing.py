"""After an erasure nothing of the value is left in any byte of the database, and all else is as it was."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, inspect, select

from mappers import ids
from schemas import tabular
from schemas.api import set_digest
from schemas.request import Request
from server.release import review as reviewing, two_persons
from server.release.erasure import action, job
from server.release.erasure.plan import NothingKnown, StillAsked
from server.release.fuse.statements import WITHHELD
from server.release.requests import views
from server.release.results import Result
from server.release.two_person_actions import ACTIONS
from server.store import collections, inbox, jobs, log, partners, reviews
from server.store.collections import Collection
from server.store.database.times import now, stamp
from server.store.erasure import erased, other_tables
from server.store.objects import bodies, digests, object_ids
from server.store.objects.query import Query
from server.store.requests import requests
from server.store.requests.requests import StoredRequest, StoredStep
from server.store.subjects import digest
from server.store.tables import dictionaries, objects
from tests.unit.server.release.erasure.conftest import REPORTED, ErasingHub, halves
from tests.unit.server.store.ledger.checks import check, openings, seal, served

DAY = 86_400_000_000
NUMBER = "1234567890"
VALUE = f"KASITHBK:{NUMBER}"
SUBJECT = f"bank-account:TH:{VALUE}"
OTHER = "KASITHBK:9998887776"
SPELLED = (NUMBER, "123-4-56789-0", "123 4 56789 0", "๑๒๓๔๕๖๗๘๙๐")


def listed_wrongly(hub: ErasingHub) -> list[str]:
    """Let several partners say a lot about one value, and return all ids that could be computed from it."""
    first, second, police = hub.join("First"), hub.join("Second"), hub.join("Police", "government", "mule-accounts")
    said = hub.report(first, VALUE, description=f"pay to {SPELLED[1]} or {SPELLED[3]}ค่ะ")
    again = hub.report(second, VALUE, description="seen twice")
    other = hub.report(second, OTHER, description=f"the same gang as {SPELLED[2]}, they say")
    listing = hub.listing(SUBJECT)
    told = [
        hub.record(police, record="sighting", of=listing, description=f"at {NUMBER}", last_seen="2026-11-02T00:00:00Z"),
        hub.record(second, record="opinion", of=again["id"], opinion="agree", description=f"{SPELLED[2]} it is"),
        hub.record(
            second, record="case", members=[again["id"], other["id"]], name="A gang", description=f"uses {SPELLED[1]}"
        ),
    ]
    with hub.store.begin() as tx:
        done = {"id": "x", "total_count": 1, "success_count": 1, "failure_count": 0, "pending_count": 0}
        status = {**done, "successes": [{"id": said["id"], "version": "2026-11-01T08:00:00.000Z"}]}
        inbox.save_status(tx, "feed", "s", "First", msgspec.json.encode(status))
    made = {obj["id"] for by in (first, second) for obj in hub.objects(by, VALUE)} | {said["id"], again["id"]}
    observable = next(id_ for id_ in made if id_.startswith("bank-account--"))
    return [*made, ids.relationship("based-on", listing, observable), *(obj["id"] for obj in told[:2])]


def test_no_byte_of_the_value_is_left(hub: ErasingHub) -> None:
    computable = listed_wrongly(hub)
    number = digest(SUBJECT).to_bytes(8)
    needles = [*SPELLED, SUBJECT, *computable, *(half for id_ in computable for half in halves(id_))]
    assert hub.traces(*SPELLED, number, number[::-1])
    hub.erase(VALUE)
    assert hub.traces(*needles, number, number[::-1]) == []


def test_the_review_whether_the_keeper_hears_of_a_report_goes_with_it(hub: ErasingHub) -> None:
    keeper = hub.join("Keeper")
    with hub.store.begin() as tx:
        partners.change(tx, keeper.model_copy(update={"institutions": ("KASITHBK",)}))
    said = hub.report(hub.join("First"), VALUE, not_to_partners="Keeper")
    with hub.store.read() as tx:
        assert [review.rule for review in reviews.all_reviews(tx)] == [WITHHELD]
    hub.erase(VALUE)
    assert hub.traces(said["id"]) == []


def test_readers_learn_of_it_by_a_tombstone_at_the_place_of_the_revocation(hub: ErasingHub) -> None:
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
    # The tombstone has an entry of its own, and so have texts in which the value was replaced.
    assert {listing, other} <= {id_ for id_, _ in left}
    assert not {id_ for id_, _ in left} & set(computable)
    assert not {salt for _, salt in left} & set(erased_salts)


def by_alias(hub: ErasingHub, alias: str) -> Collection:
    with hub.store.read() as tx:
        return collections.get(tx, alias)


def test_what_others_said_of_other_values_stays(hub: ErasingHub) -> None:
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


def test_counts_pages_and_digests_stay_right(hub: ErasingHub) -> None:
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
        total = sum(set_digest.part(obj["id"], obj.get("modified", obj.get("created", ""))) for obj in active)
        assert stated is not None
        assert (stated.active, stated.digest) == (len(active), set_digest.text(total % (1 << 256)))


def test_a_dictionary_that_has_its_words_is_put_aside(hub: ErasingHub) -> None:
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


def test_the_status_of_a_post_names_it_no_more(hub: ErasingHub) -> None:
    listed_wrongly(hub)
    hub.erase(VALUE)
    with hub.store.read() as tx:
        body = inbox.load_status(tx, "feed", "s", "First")
    assert body is not None
    status = msgspec.json.decode(body)
    assert (status["total_count"], status["success_count"], "successes" in status) == (0, 0, False)


def test_a_later_report_is_held_and_may_be_listed_again_under_a_new_id(hub: ErasingHub) -> None:
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


def test_one_person_erases_nothing(hub: ErasingHub) -> None:
    hub.report(hub.join("First"), VALUE)
    with hub.store.begin() as tx:
        arguments = action.arguments(tx, VALUE, None, "the law asks for it")
        proposed = two_persons.propose(hub.hub, tx, action.ACTION, arguments, "Anong")
        with pytest.raises(two_persons.NotAllowed):
            two_persons.confirm(hub.hub, tx, {"erase": action.ACTION}, proposed.id, "ANONG ")
    assert hub.listing(SUBJECT)
    # Another report meanwhile: the second person would confirm something else.
    hub.report(hub.join("Second"), VALUE)
    with hub.store.begin() as tx:
        found, _ = two_persons.confirm(hub.hub, tx, {"erase": action.ACTION}, proposed.id, "Boon")
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


def test_nothing_is_proposed_about_what_nobody_reported(hub: ErasingHub) -> None:
    with hub.store.begin() as tx, pytest.raises(NothingKnown):
        action.arguments(tx, VALUE, None, "the law asks for it")


@pytest.mark.parametrize("reason", ["", "x" * 300, f"holder of {SPELLED[1]}"])
def test_the_reason_is_short_and_does_not_name_the_value(hub: ErasingHub, reason: str) -> None:
    hub.report(hub.join("First"), VALUE)
    with hub.store.begin() as tx, pytest.raises(action.BadReason):
        action.arguments(tx, VALUE, None, reason)


def test_every_table_is_read_or_left_out_for_a_reason(hub: ErasingHub) -> None:
    with hub.store.read() as tx:
        there = set(inspect(tx).get_table_names())
    assert there <= {*other_tables.names(), *other_tables.LEFT_OUT}


def test_an_erasure_that_is_killed_goes_on(hub: ErasingHub, monkeypatch: pytest.MonkeyPatch) -> None:
    listed_wrongly(hub)
    with hub.store.begin() as tx:
        arguments = action.arguments(tx, VALUE, None, "the law asks for it")
        proposed = two_persons.propose(hub.hub, tx, action.ACTION, arguments, "Anong")
    with hub.store.begin() as tx:
        two_persons.confirm(hub.hub, tx, ACTIONS, proposed.id, "Boon")
    for step in range(1, 100):
        # Each time it is stopped a batch later, in the middle of its transaction.
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
    """Return ``jobs.save``, which the process does not survive after so many batches."""
    save, left = jobs.save, [batches]

    def stopping(*given: Any, **more: Any) -> None:
        save(*given, **more)
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    return stopping


def a_request(id_: str, subject: str, state: str, content: str) -> StoredRequest:
    asked = (id_, None, 0, "First", "Second", f"sent {id_}", subject, content, state)
    return StoredRequest(id_, *asked, None, None, 1, 1, 1, False, None, None)


def test_what_institutions_still_ask_about_is_not_erased_and_what_they_asked_goes(hub: ErasingHub) -> None:
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
    more = {"deadline": "2026-12-01T00:00:00Z", "legal_basis": "statute", "reference": "C-1"}
    read = tabular.read_record("request", {**columns, **more}, {"reporter": "First", "reported_at": REPORTED})
    assert isinstance(read, Request)
    return views.content_of(read)


def test_requests_delay_an_erasure_for_days_and_those_that_come_later_not_at_all(
    hub: ErasingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.report(hub.join("First"), VALUE)
    police = hub.join("Police", "government")
    with hub.store.begin() as tx:
        partners.change(tx, police.model_copy(update={"authority": ("bank-account",)}))
        moment = now()
        kept = a_request("r0", SUBJECT, "open", asked("preserve"))
        # A bank may ask to preserve it, too: that is no duty of the hub.
        requests.add(tx, a_request("r1", SUBJECT, "open", asked("preserve")), {"First": "sender"})
        requests.add(tx, kept._replace(sender="Police", deadline=moment + 4 * DAY), {"Police": "sender"})
        for id_ in ("r0", "r1"):
            requests.add_step(tx, StoredStep(id_, 0, "open", 1, "First"))
        arguments = action.arguments(tx, VALUE, None, "the law asks for it")
        proposed = two_persons.propose(hub.hub, tx, action.ACTION, arguments, "Anong")
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
            return two_persons.confirm(hub.hub, tx, ACTIONS, proposed.id, "Boon").proposal.state

    for days, waits_for in ((1, "r0, r1"), (3.5, "r0$")):
        with pytest.raises(StillAsked, match=waits_for):
            confirmed(days)
    assert confirmed(5) == "confirmed"
    action.finish(hub.hub)
    with hub.store.read() as tx:
        assert requests.find(tx, ["r0", "r1", "r2"]) == {}
    assert hub.traces(NUMBER) == []
