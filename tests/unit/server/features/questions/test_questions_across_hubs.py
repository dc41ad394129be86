"""Questions to reporters at another hub, and their answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mappers import extension
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.tabular import ReportReader
from server.features.questions.asking import ask
from server.features.questions.operations import AnswerQuestion
from server.operations.operation import Actor
from server.release.contribute import contribute
from server.store import collections, log
from server.store.item import Item
from server.store.objects.query import Query
from server.store.peer_messages import messages
from server.store.questions import questions
from tests.unit.server.features.requests.linked_hubs import LinkedHub, exchange, linked

DOMAIN = "bad-shop.com"
TEXT = "When did the page first appear?"


@pytest.fixture
def hubs(initial_store: Path, tmp_path: Path) -> Iterator[list[LinkedHub]]:
    with linked(initial_store, tmp_path, "TH", "KH") as found:
        found[0].join("Thai Bank")
        yield found


def report(hub: LinkedHub, by: str, **columns: Any) -> str:
    given = {"reporter": by, "reported_at": timestamp.text(timestamp.now()), "kind": "domain", "tlp": "green"}
    objects = to_stix(ReportReader({**given, **columns}).report({"value": DOMAIN}))
    indicator = {**next(o for o in objects if o["type"] == "indicator"), "created_by_ref": hub.partners[by].identity}
    with hub.hub.store.begin() as tx:
        assert not contribute(hub.hub, tx, hub.partners[by], [Item.of(indicator)]).failed
    return str(indicator["id"])


def feedback(hub: LinkedHub, by: str) -> list[dict[str, Any]]:
    with hub.hub.store.read() as tx:
        found = collections.find_private(tx, by, "outcomes")
        bodies = [] if found is None else log.page(tx, found, Query(types=("note",))).bodies
    told = [extension.context_of(msgspec.json.decode(body)).get("feedback", {}) for body in bodies]
    return [feedback for feedback in told if "question" in feedback]


def question(hub: LinkedHub) -> int:
    with hub.hub.store.begin() as tx:
        return ask(hub.hub, tx, TEXT, DOMAIN, [f"domain:{DOMAIN}"])


def answers(hub: LinkedHub) -> list[str | None]:
    with hub.hub.store.read() as tx:
        return [recipient.answer for _, found in questions.all_questions(tx) for recipient in found]


def test_a_question_reaches_reporters_at_another_hub_and_the_answer_returns(hubs: list[LinkedHub]) -> None:
    thai, khmer = hubs
    id_ = report(thai, "Thai Bank")
    exchange(*hubs)
    assert question(khmer) == 1
    exchange(*hubs)
    [asked] = feedback(thai, "Thai Bank")
    with thai.hub.store.begin() as tx:
        given = AnswerQuestion(partner=thai.partners["Thai Bank"], id=asked["question"], of=id_, text="On Monday.")
        assert not given.apply(thai.hub, tx, Actor.program(thai.partners["Thai Bank"], "")).failed
    exchange(*hubs)
    assert sorted(filter(None, answers(khmer))) == ["On Monday."]
    assert b"Thai Bank" not in msgspec.json.encode(thai.sent["KH"])
    assert not thai.refused + khmer.refused


def test_reporters_of_what_another_hub_does_not_read_are_not_asked(hubs: list[LinkedHub]) -> None:
    thai, khmer = hubs
    report(thai, "Thai Bank", tlp="amber+strict")
    with khmer.hub.store.begin() as tx:
        content = {"about": [f"domain:{DOMAIN}"], "text": TEXT}
        messages.put(tx, thai.signer.name, "abcdefghijklmnopqrst", "question", content)
    exchange(*hubs)
    assert feedback(thai, "Thai Bank") == []
    assert answers(thai) == []


@pytest.mark.parametrize("text", ["Call +66 81 234 5678", "x" * 501, " "])
def test_a_question_with_personal_data_or_of_another_length_is_refused(hubs: list[LinkedHub], text: str) -> None:
    thai, khmer = hubs
    report(thai, "Thai Bank")
    exchange(*hubs)
    with khmer.hub.store.begin() as tx:
        content = {"about": [f"domain:{DOMAIN}"], "text": text}
        messages.put(tx, thai.signer.name, "abcdefghijklmnopqrst", "question", content)
    exchange(*hubs)
    assert feedback(thai, "Thai Bank") == []
    assert thai.refused.total() == 1


def test_a_hub_that_was_not_asked_cannot_answer(hubs: list[LinkedHub]) -> None:
    thai, khmer = hubs
    report(khmer, khmer.join("Khmer Bank").name)
    assert question(khmer) == 1
    with khmer.hub.store.read() as tx:
        [(own, _)] = questions.all_questions(tx)
    with thai.hub.store.begin() as tx:
        content = {"answers": [{"place": 0, "text": "No.", "by": "bank"}]}
        messages.put(tx, khmer.signer.name, own.id, "answer", content)
    exchange(*hubs)
    assert answers(khmer) == [None]
    assert khmer.refused.total() == 1
