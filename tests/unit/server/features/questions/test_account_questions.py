"""Questions of an account's provider to its reporters: relayed without names, within limits, answered by a deadline."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner, PartnerKind
from schemas.question import QuestionKind
from schemas.tabular import ReportReader
from server.features.findings import accounts
from server.features.questions import desk
from server.features.questions.operations import AnswerQuestion, AskAboutAccount
from server.operations.operation import Actor
from server.operations.run import NotPermitted, run
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.questions import MOST_A_DAY, MOST_OF_VALUE
from server.store import Store, collections, inbox, partners
from server.store.item import Item
from server.store.providers import kept_accounts
from server.store.questions import questions
from server.store.questions.questions import Question
from tests.initial_stores import initial_url

PROVIDER, TWIN, OTHER, REPORTER, SECOND = "Keeping Bank", "Twin of Keeping", "Other Keeper", "Victim Bank", "Police"
NUMBER = "4567890123"
ADDRESS = "192.0.2.1"


@pytest.fixture
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    store = Store.open(initial_url(request, tmp_path))
    with store.begin() as tx:
        for name in (PROVIDER, TWIN, OTHER, REPORTER, SECOND):
            kind = PartnerKind.GOVERNMENT if name == SECOND else PartnerKind.BANK
            institutions = {PROVIDER: ("KASITHBK",), TWIN: ("KASITHBK",), OTHER: ("SICOTHBK",)}.get(name, ())
            given = {"name": name, "kind": kind, "country": "TH", "identity": ids.identity(name)}
            same = {"organisation": "Keeping Group"} if name in (PROVIDER, TWIN) else {}
            partners.add(tx, Partner(**given, institutions=institutions, **same))
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    yield Hub(store)
    store.close()


def report(hub: Hub, reporter: str = REPORTER, number: str = NUMBER, bank: str = "KBANK", **columns: str) -> None:
    given = {"reporter": reporter, "kind": "bank-account", "tlp": "amber", "bank": bank, "country": "TH"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now()), **columns})
    with hub.store.begin() as tx:
        objects = to_stix(reader.report({"value": number}))
        assert not contribute(hub, tx, partners.get(tx, reporter), list(map(Item.of, objects))).failed


def listing_of(hub: Hub, provider: str = PROVIDER, number: str = NUMBER) -> str:
    with hub.store.read() as tx:
        found = [kept for kept in kept_accounts.find(tx, provider) if kept.subject.endswith(number)]
        [account] = accounts.with_listings(tx, partners.get(tx, provider), found, 0)
        return account.listing


def ask(hub: Hub, listing: str, text: str = "", by: str = PROVIDER, **more: object) -> Question:
    with hub.store.read() as tx:
        partner = partners.get(tx, by)
    operation = AskAboutAccount(partner=partner, listing=listing, kind=QuestionKind.PAYMENT, text=text, **more)  # type: ignore[arg-type]
    return run(hub, operation, Actor.program(partner, ADDRESS))


def answer(hub: Hub, id_: str, text: str, by: str = REPORTER) -> None:
    with hub.store.read() as tx:
        partner = partners.get(tx, by)
    done = run(hub, AnswerQuestion(partner=partner, id=id_, text=text), Actor.program(partner, ADDRESS))
    assert not done.failed, done.failed


def test_question_reaches_the_reporters_and_the_answer_comes_back_without_names(hub: Hub) -> None:
    report(hub)
    report(hub, SECOND)
    listing = listing_of(hub)
    asked = ask(hub, listing, "Our customer received two payments.")
    with hub.store.read() as tx:
        [received], following = desk.to_partner(tx, partners.get(tx, REPORTER), answered=False, after=None, most=9)
    assert (received.kind, received.asker, following) == ("payment", "bank", None)
    assert received.question.endswith("about what amount? Our customer received two payments.")
    assert PROVIDER not in repr(received)
    answer(hub, asked.id, "Two payments at the start of the month.")
    answer(hub, asked.id, "On the third day.", by=SECOND)
    with hub.store.read() as tx:
        [question] = desk.asked_about(tx, partners.get(tx, PROVIDER), listing)
        [answered], _ = desk.to_partner(tx, partners.get(tx, REPORTER), answered=True, after=None, most=9)
    assert [(one.text, one.by) for one in question.answers] == [
        ("Two payments at the start of the month.", "bank"),
        ("On the third day.", "government"),
    ]
    assert answered.answer == "Two payments at the start of the month."
    assert not {REPORTER, SECOND} & {*repr(question).split("'")}


def test_asker_cannot_tell_how_many_were_asked(hub: Hub) -> None:
    report(hub)
    report(hub, SECOND, not_to_partners=PROVIDER)
    listing = listing_of(hub)
    ask(hub, listing)
    with hub.store.read() as tx:
        [question] = desk.asked_about(tx, partners.get(tx, PROVIDER), listing)
        assert desk.to_partner(tx, partners.get(tx, SECOND), answered=False, after=None, most=9) == ([], None)
    assert {*msgspec.to_builtins(question)} == {"id", "listing", "question", "kind", "asked", "due"}


def test_other_and_absent_accounts_are_refused_alike(hub: Hub) -> None:
    report(hub)
    report(hub, number="4567890124", bank="SCB")
    theirs = listing_of(hub, OTHER, "4567890124")
    refused = []
    for listing in (theirs, "indicator--00000000-0000-4000-8000-000000000000", "x"):
        with pytest.raises(Rejected) as error:
            ask(hub, listing)
        refused.append((error.value.reason, error.value.message))
    assert len(set(refused)) == 1
    with hub.store.read() as tx:
        partner = partners.get(tx, PROVIDER)
    with pytest.raises(NotPermitted):
        run(
            hub,
            AskAboutAccount(partner=partner, listing=theirs, kind=QuestionKind.NUMBER),
            Actor("Somebody", "partner-writer", OTHER),
        )


@pytest.mark.parametrize(
    "text",
    [
        "Answer at https://bank.example/q",
        "Answer at hxxps[:]//bank[.]example/q",
        "Write to desk(at)bank.example",
        "We are @keeping.bank on the messenger",
        "See bank.example.com",
        "Our number is +66 81 234 5678",
    ],
)
def test_text_by_which_a_reporter_could_be_found_is_refused_on_both_ways(hub: Hub, text: str) -> None:
    report(hub)
    listing = listing_of(hub)
    with pytest.raises(Rejected):
        ask(hub, listing, text)
    with hub.store.read() as tx:
        assert questions.asked_since(tx, PROVIDER, 0) == 0
    asked = ask(hub, listing, "About 1.5 million. Or less")
    with pytest.raises((Rejected, AssertionError)):
        answer(hub, asked.id, text)
    with hub.store.read() as tx:
        found = questions.find(tx, asked.id, REPORTER)
        assert found is not None
        assert found[1].answer is None


def test_questions_about_one_account_and_in_a_day_are_limited(hub: Hub) -> None:
    for place in range(MOST_A_DAY + 1):
        report(hub, number=f"45678901{place:02}")
    first = listing_of(hub, number="4567890100")
    for _ in range(MOST_OF_VALUE):
        ask(hub, first)
    with pytest.raises(Rejected, match="questions about it today"):
        ask(hub, first)
    twin = listing_of(hub, TWIN, "4567890100")
    with pytest.raises(Rejected, match="questions about it today"):
        ask(hub, twin, by=TWIN)
    for place in range(1, MOST_A_DAY - MOST_OF_VALUE + 1):
        ask(hub, listing_of(hub, number=f"45678901{place:02}"))
    with pytest.raises(Rejected, match="more than 20 questions"):
        ask(hub, listing_of(hub, number=f"45678901{MOST_A_DAY:02}"))


def test_deadline_is_stored_and_bounded(hub: Hub) -> None:
    report(hub)
    listing = listing_of(hub)
    moment = timestamp.now()
    usual = ask(hub, listing)
    assert usual.due is not None
    assert usual.due - usual.asked == pytest.approx(3 * 86_400_000_000, abs=60_000_000)
    soon = ask(hub, listing, deadline=moment + timedelta(hours=4))
    assert soon.due == int((moment + timedelta(hours=4)).timestamp() * 1_000_000)
    for wrong in (moment - timedelta(hours=1), moment + timedelta(days=15)):
        with pytest.raises(Rejected, match="deadline"):
            ask(hub, listing, deadline=wrong)


def test_stranger_and_asker_cannot_answer(hub: Hub) -> None:
    report(hub)
    asked = ask(hub, listing_of(hub))
    for name in (PROVIDER, OTHER):
        with pytest.raises(Rejected, match="not visible"):
            answer(hub, asked.id, "I would know.", by=name)
    with pytest.raises(Rejected, match="not visible"):
        answer(hub, "a" * 20, "I would know.")


def test_answer_may_be_corrected_a_few_times(hub: Hub) -> None:
    report(hub)
    asked = ask(hub, listing_of(hub))
    for place in range(5):
        answer(hub, asked.id, f"Version {place}")
    with pytest.raises(Rejected):
        answer(hub, asked.id, "One more")
    with hub.store.read() as tx:
        found = questions.find(tx, asked.id, REPORTER)
        assert found is not None
        assert found[1].answer == "Version 4"
        assert found[1].report is not None
        assert inbox.of_partner(tx, partners.space(tx, REPORTER), [found[1].report])
