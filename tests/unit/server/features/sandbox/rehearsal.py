"""A rehearsing client that does everything right, except for deviations chosen by a test."""

from collections.abc import Callable, Iterable

import msgspec

from mappers import extension
from schemas.timestamp import parse
from server.features.sandbox import judge, play, script
from server.features.sandbox.judge import RuleResult
from server.store import Store, log
from server.store.database.times import micros, now
from server.store.objects.query import Query
from server.store.sandbox import certificates, runs
from server.store.sandbox.certificates import Certificate
from server.store.sandbox.runs import ListingAnswer, SandboxRead

MINUTE = 60 * 1_000_000
PAGE = 10
AGENT = "example-client/1.0"


class Client:
    """Polls every five minutes, follows pages, acts by the grade, and lifts actions when listings end."""

    def __init__(self, store: Store, partner: str) -> None:
        self.store, self.partner = store, partner
        self.place = -1
        self.acted: dict[str, int] = {}
        self.acts_on = {"block": "blocked", "hold": "held"}
        self.skips: Callable[[int], bool] = lambda minute: False
        self.pages_left = 100
        self.states_end = True
        self.gives_back = True
        self.gives_back_disputed = False
        self.minds_disputes = True
        self.minds_listings: Callable[[str], bool] = lambda id_: True
        self.delay = 0
        self.seen: dict[str, dict[str, object]] = {}

    def poll(self, at: int) -> list[dict[str, object]]:
        """Read the new objects page by page."""
        found: list[dict[str, object]] = []
        with self.store.begin() as tx:
            collection = runs.collection_of(tx, self.partner)
            assert collection is not None
            pages = 0
            while pages < self.pages_left:
                page = log.page(tx, collection, Query(after=self.place, limit=PAGE))
                place = page.last if page.next is not None else log.last_added(tx, collection)
                runs.note_reads(tx, [SandboxRead(self.partner, self.place, place or 0, at, AGENT)])
                found += [obj for body in page.bodies if (obj := msgspec.json.decode(body))["type"] == "indicator"]
                self.place = max(self.place, place or 0)
                pages += 1
                if page.next is None:
                    break
            else:
                # A client that ignores the positions in pages uses its own clock.
                self.place = log.last_added(tx, collection) or 0
        return found

    def answer(self, found: Iterable[dict[str, object]], at: int) -> None:
        answers: list[ListingAnswer] = []
        for obj in found:
            id_ = str(obj["id"])
            if not self.minds_listings(id_):
                continue
            context = extension.context_of(obj)
            self.seen[id_] = obj
            over = obj.get("revoked") or (context.get("disputed") and self.minds_disputes)
            word = self.acts_on.get(str(context.get("grade"))) if not over else None
            gives_back = self.gives_back or (self.gives_back_disputed and not obj.get("revoked"))
            if over and id_ in self.acted and gives_back:
                answers.append(ListingAnswer(id_, "restored", at + self.delay, None))
            elif word and id_ not in self.acted:
                until = micros(parse(str(obj["valid_until"]))) if self.states_end else None
                self.acted[id_] = until or 0
                answers.append(ListingAnswer(id_, word, at + self.delay, until))
        with self.store.begin() as tx:
            runs.note_answers(tx, self.partner, answers)

    def rehearse(self, *, minutes: int = script.LAST_MINUTE + 40) -> tuple[list[RuleResult], Certificate | None]:
        """Rehearse from the start on a simulated clock, and return the result of each rule and the certificate."""
        begin = now()
        for minute in range(0, minutes, 5):
            at = begin + minute * MINUTE
            if not self.skips(minute):
                self.answer(self.poll(at), at)
            with self.store.begin() as tx:
                run = runs.find(tx, self.partner)
                assert run is not None
                play.advance(tx, run, at)
            if not self.skips(minute):
                self.answer(self.poll(at), at)
        with self.store.read() as tx:
            run = runs.find(tx, self.partner)
            assert run is not None
            return judge.results(tx, run, at), certificates.find(tx, self.partner)


def failed(results: Iterable[RuleResult]) -> set[str]:
    return {result.name for result in results if result.state == "failed"}
