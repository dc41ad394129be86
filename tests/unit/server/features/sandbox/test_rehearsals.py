"""A correct client passes the sandbox; each faulty one fails by the rule of its fault only."""

from collections.abc import Callable

import msgspec
import pytest

from feeds.readers import stix
from feeds.readers.rows import Unreadable
from mappers import extension
from schemas import kinds
from schemas.partner import Partner
from schemas.vocabulary import Action
from server.features.sandbox import judge, play, script
from server.store import Store, log
from server.store.objects.query import Query
from server.store.sandbox import certificates, runs
from tests.unit.server.features.sandbox.rehearsal import AGENT, Client, failed


@pytest.fixture
def client(store: Store, bank: Partner) -> Client:
    with store.begin() as tx:
        play.start(tx, bank.name)
    return Client(store, bank.name)


def test_the_script_has_every_kind_and_every_grade_in_normal_form() -> None:
    assert {listing.kind for listing in script.LISTINGS} == set(kinds.every())
    assert {listing.grade for listing in script.LISTINGS} == set(Action)
    for listing in script.LISTINGS:
        normal = kinds.get(listing.kind).normalise(listing.value, listing.details)
        assert normal == (listing.value, dict(listing.details))
    values = [listing.value for listing in script.LISTINGS]
    assert len(values) == len(set(values))


def test_a_client_that_does_everything_right_gets_a_certificate(client: Client) -> None:
    results, certificate = client.rehearse()
    assert {result.name: result.state for result in results} == dict.fromkeys(judge.BY_NAME, "passed")
    assert certificate is not None
    assert (certificate.partner, certificate.agent) == (client.partner, AGENT)
    with client.store.read() as tx:
        run = runs.find(tx, client.partner)
        assert run is not None
        assert run.ended is not None


def _ignores_pages(client: Client) -> None:
    client.pages_left = 2


def _overlooks_wallets(client: Client) -> None:
    client.minds_listings = lambda id_: "wallet" not in _labels(client, id_)


def _labels(client: Client, id_: str) -> str:
    with client.store.read() as tx:
        collection = runs.collection_of(tx, client.partner)
        assert collection is not None
        return str(msgspec.json.decode(log.latest(tx, collection, [id_])[id_].body)["name"]).lower()


def _never_holds(client: Client) -> None:
    client.acts_on = {"block": "blocked"}


def _blocks_warnings(client: Client) -> None:
    client.acts_on["warn"] = "blocked"


def _overlooks_disputes(client: Client) -> None:
    client.minds_disputes = False


def _keeps_revoked_listings(client: Client) -> None:
    client.gives_back = False
    client.gives_back_disputed = True


def _keeps_expired_listings(client: Client) -> None:
    client.states_end = False


def _matches_by_first_value(client: Client) -> None:
    def is_first(id_: str) -> bool:
        with client.store.read() as tx:
            changes = runs.changes_of(tx, client.partner)
        return not any(change.object_id == id_ and change.change == "relisted" for change in changes)

    client.minds_listings = is_first


def _answers_at_random(client: Client) -> None:
    with client.store.begin() as tx:
        runs.note_answers(tx, client.partner, [runs.ListingAnswer(runs.UNKNOWN, "opinion", 0, None)])


def _sleeps(client: Client) -> None:
    client.skips = lambda minute: 20 <= minute < 35


WRONG: dict[str, tuple[Callable[[Client], None], set[str]]] = {
    # The client cannot act on objects that it has not read.
    "ignores next": (_ignores_pages, {"pages", "acts"}),
    "overlooks a kind": (_overlooks_wallets, {"acts"}),
    "never holds": (_never_holds, {"holds"}),
    "blocks what is weak": (_blocks_warnings, {"spares"}),
    "overlooks disputes": (_overlooks_disputes, {"disputes"}),
    "keeps what is revoked": (_keeps_revoked_listings, {"revocations"}),
    "keeps what has expired": (_keeps_expired_listings, {"ends"}),
    "takes a new id for an old one": (_matches_by_first_value, {"relistings"}),
    "answers at random": (_answers_at_random, {"knows"}),
    "sleeps while something is revoked": (_sleeps, {"revocations"}),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_faulty_client_fails_by_the_rule_of_its_fault(client: Client, wrong: str) -> None:
    spoil, expected = WRONG[wrong]
    spoil(client)
    results, certificate = client.rehearse()
    assert failed(results) == expected
    assert certificate is None


def test_every_sandbox_object_is_marked(client: Client) -> None:
    client.poll(0)
    with client.store.read() as tx:
        collection = runs.collection_of(tx, client.partner)
        assert collection is not None
        shown = [msgspec.json.decode(body) for body in log.page(tx, collection, Query()).bodies]
    indicators = [obj for obj in shown if obj["type"] == "indicator"]
    assert len(indicators) == sum(minute == 0 for minute, _, _ in script.CHANGES)
    assert all(play.LABEL in obj["labels"] and obj["name"].startswith(play.NAME_PREFIX) for obj in indicators)
    assert all(extension.context_of(obj)["sandbox"] is True for obj in indicators)
    assert all(isinstance(row, Unreadable) for obj in indicators for row in stix.rows_of(1, obj, {}))
    assert {extension.context_of(obj)["grade"] for obj in indicators} == {str(action) for action in Action}


def test_no_object_is_shown_twice_and_a_rehearsal_can_restart(client: Client) -> None:
    client.rehearse()
    with client.store.begin() as tx:
        ids = {change.object_id for change in runs.changes_of(tx, client.partner)}
        run = play.start(tx, client.partner)
        anew = runs.changes_of(tx, client.partner)
        assert run.number == 2
        assert run.began is None
        assert ids.isdisjoint(change.object_id for change in anew)
        assert certificates.find(tx, client.partner) is not None
    again = Client(client.store, client.partner)
    assert again.rehearse()[1] is not None


def test_clock_stands_until_the_first_read(client: Client) -> None:
    with client.store.begin() as tx:
        run = runs.find(tx, client.partner)
        assert run is not None
        assert play.advance(tx, run, run.started + 10**12) is None
        assert len(runs.changes_of(tx, client.partner)) == sum(minute == 0 for minute, _, _ in script.CHANGES)
        assert not failed(judge.results(tx, run, run.started + 10**12))


def test_one_partner_neither_sees_nor_disturbs_another(client: Client, other: Partner) -> None:
    with client.store.begin() as tx:
        play.start(tx, other.name)
        first, second = runs.collection_of(tx, client.partner), runs.collection_of(tx, other.name)
        assert first is not None
        assert second is not None
        before = log.page(tx, second, Query()).bodies
    assert client.rehearse()[1] is not None
    with client.store.read() as tx:
        assert log.page(tx, second, Query()).bodies == before
        assert not runs.reads_of(tx, other.name)
        theirs = {change.object_id for change in runs.changes_of(tx, other.name)}
        assert theirs.isdisjoint(change.object_id for change in runs.changes_of(tx, client.partner))
