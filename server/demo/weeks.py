"""Eight weeks before the demonstration, played under the same rules with their own clock, so that charts have data.

All values are made up or reserved: names below example.com and similar domains, example telephone numbers, wallets that
are digests, account numbers that begin with four zeros. No real person reported them, or is accused by them.
"""

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mappers import ids, records
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.api.statements import Ground, ObjectionRequest, UpholdReason
from schemas.request import Request
from schemas.tabular import ReportReader
from schemas.vocabulary import OutcomeWord
from server.demo.members import BANKS, EXCHANGE, POLICE, PROVIDER, READERS
from server.demo.site import Member
from server.demo.things import ReportedThing, example_numbers, normal
from server.features.objections import decide as deciding, records as objections
from server.features.objections.operations import ReceiveObjection
from server.features.objections.working_days import WorkingDays
from server.features.requests import desk
from server.features.trends.fold import fold_all
from server.features.trends.publish import publish_due
from server.operations.operation import Actor
from server.operations.run import run
from server.release import review as reviewing
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.query import receipts
from server.release.retract import retract
from server.store import collections, hub_identity, read_progress, reviews, value_index
from server.store.item import Item
from server.store.listings import track_of_provider

MOST_WEEKS = 8
_WEEKS_BEFORE = 20
_SEED = 20261126
_OBJECTION_DAYS = WorkingDays(15, country="TH")
_DESK = "Anong of the desk"

_OWN_DOMAIN = "harbour-bank.example.com"
_REPORTERS: dict[str, tuple[str, ...]] = {
    "domain": ("Video platform", "Consumer association", "Scam desk of the ministry", "Mobile operator"),
    "url": ("Video platform", "Consumer association", "Scam desk of the ministry"),
    "bank-account": tuple(BANKS),
    "phone": ("Mobile operator", "Consumer association", PROVIDER),
    "wallet": ("Coin exchange", "River bank", "Scam desk of the ministry"),
    "social-account": ("Video platform", "Consumer association", "Scam desk of the ministry"),
}
# Percent of the reports.
_SHARES = {"domain": 36, "bank-account": 28, "phone": 15, "wallet": 8, "url": 8, "social-account": 5}
_SCAMS = ("investment", "merchandise", "impersonation-bank", "employment-task", "romance", "credential-phishing")
_CHANNELS = ("social-media", "messaging", "phone", "sms", "website", "ad")
_COUNTRIES = ("TH", "TH", "TH", "SG", "PH", "MY", "VN")
_FIRST_ACTION = {
    "domain": ("taken-down", ("Video platform", "Mobile operator")),
    "url": ("taken-down", ("Video platform", "Mobile operator")),
    "phone": ("number-disconnected", ("Mobile operator",)),
    "social-account": ("taken-down", ("Video platform",)),
    "wallet": ("blocked", ("Coin exchange",)),
    "bank-account": ("held", tuple(BANKS)),
}
# Harmless values: a shared link shortener, popular sites, a public body, and the bank's own name.
_TRAPS = ("bit.ly", "wikipedia.org", "line.me", "bot.or.th", _OWN_DOMAIN)


class Weeks:
    """The weeks up to ``until``, played on ``hub`` among these partners, the same in each run."""

    def __init__(self, hub: Hub, members: Mapping[str, Member], until: datetime, weeks: int = MOST_WEEKS) -> None:
        """Play ``weeks`` weeks for the hub that these partners have joined."""
        self._hub = hub
        self._weeks = weeks
        self._partners = {name: member.partner for name, member in members.items()}
        self._until = until
        self._chance = random.Random(_SEED)  # noqa: S311 - nothing is secret here
        self._made = 0
        self._reported: list[ReportedThing] = []
        # The values that were retracted, or cleared by their provider.
        self._gone: set[str] = set()
        self._numbers = example_numbers()
        with hub.store.read() as tx:
            self._secret = hub_identity.secret(tx, "ids")
            self._collections = {collection.alias: collection for collection in collections.all_collections(tx)}

    def play(self, tell: Callable[[int, int], None] | None = None) -> int:
        """Play day by day until half a day before the end, then the open tasks; return how many values were
        reported. ``tell`` gets the number of days played, and of all, after each.
        """
        days = self._days()
        for played, (day, number) in enumerate(days, 1):
            self._day(day, number)
            if tell is not None:
                tell(played, len(days))
        self._leave_open()
        return len(self._reported)

    def _days(self) -> list[tuple[datetime, int]]:
        """Return the days to play, with their numbers."""
        day = self._until.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        day -= timedelta(weeks=self._weeks)
        number = 7 * (MOST_WEEKS - self._weeks)
        # For the months before, one day a week, so that a year's chart has more than one month.
        before = range(_WEEKS_BEFORE if self._weeks == MOST_WEEKS else 0, 0, -1)
        days = [(day - timedelta(weeks=week), -week) for week in before]
        while day + timedelta(hours=22) < self._until - timedelta(hours=12):
            days.append((day, number))
            day += timedelta(days=1)
            number += 1
        return days

    def _leave_open(self) -> None:
        """Leave work for each desk: accounts without a finding, requests, objections, and a queue with traps."""
        waiting = [self._account(PROVIDER) for _ in range(8)]
        for thing, hours in zip(waiting, (11.5, 9.0, 6.5, 4.2, 3.1, 1.8, 0.7, 0.2), strict=True):
            with timestamp.frozen_at(self._until - timedelta(hours=hours)):
                for name in ("River bank", "Garden bank") if hours > 3 else ("River bank",):
                    self._send(name, self.report(name, thing))
                if thing is waiting[1]:
                    self._request(thing, timedelta(hours=8))
                if thing is waiting[4]:
                    self._object_to_some()
                if thing is waiting[5]:
                    self._queue()
                    self._request(thing, timedelta(hours=4))
                if thing is waiting[6]:
                    self._request(thing, timedelta(hours=2), POLICE, legal_basis="police-order")
                    self._request(self._wallet(), timedelta(hours=6), addressee=EXCHANGE)
        self._reported += waiting
        with timestamp.frozen_at(self._until - timedelta(minutes=4)):
            self._read()
            publish_due(self._hub, fold_all(self._hub))

    def _request(self, thing: ReportedThing, within: timedelta, sender: str = "River bank", **more: str) -> None:
        """Let an institution ask for a freeze of the money of an account or wallet."""
        self._made += 1
        now = timestamp.now()
        asked = Request.model_validate(
            {
                "reporter": sender,
                "reported_at": timestamp.text(now),
                "tlp": "amber",
                "asks": "freeze",
                "of": {"kind": thing.kind, "value": thing.value},
                "reference": f"R-{self._made}",
                "amount": "185000",
                "currency": "THB",
                "deadline": timestamp.text(now + within),
                "legal_basis": "scheme-rules",
                **more,
            }
        )
        with self._hub.store.begin() as tx:
            desk.send(self._hub, tx, self._partners[sender], asked)

    def _object_to_some(self) -> None:
        for name in ("garden-tools", "tea-house"):
            thing = normal("domain", f"{name}.example.com", {"scam_type": "merchandise", "channel": "ad"})
            for reporter in _REPORTERS["domain"][:2]:
                self._send(reporter, self.report(reporter, thing))
            self.object_to(thing)

    def _queue(self) -> None:
        """Let partners report values that the rules hold for a person: harmless ones, and some that are not."""
        with self._hub.store.begin() as tx:
            value_index.add_own_values(tx, PROVIDER, [value_index.subject_of("domain", _OWN_DOMAIN)])
        for number, value in enumerate(_TRAPS):
            name = _REPORTERS["domain"][number % 3]
            thing = normal("domain", value, {"scam_type": "impersonation-business", "channel": "messaging"})
            self._send(name, self.report(name, thing))

    def _day(self, day: datetime, number: int) -> None:
        weekend = day.weekday() >= 5
        # More from week to week, fewer at weekends, and one wave of texts in the fifth week.
        volume = (12 if weekend else 22) + number // 7 * 2 + (14 if 30 <= number <= 33 else 0)
        at = day + timedelta(hours=self._chance.choice((2, 4, 8)), minutes=self._chance.randrange(50))
        if number < 0:
            volume = 22 + _WEEKS_BEFORE + number
        new = [self._thing() for _ in range(volume + self._chance.randrange(6))]
        with timestamp.frozen_at(at):
            self._report(new)
        with timestamp.frozen_at(at + timedelta(minutes=1, seconds=self._chance.randrange(30, 240))):
            self._read()
        with timestamp.frozen_at(at + timedelta(minutes=self._chance.randrange(12, 55))):
            self._act(new, at)
        answered = at + timedelta(minutes=self._chance.randrange(70, 220))
        with timestamp.frozen_at(answered):
            self._answer(new, number)
        with timestamp.frozen_at(answered + timedelta(minutes=self._chance.randrange(3, 12))):
            self._read()
            receipts.settle_in_steps(self._hub.store)
        if number % 3 == 2:
            self._retract(day)
        if number % 2:
            self._object(day)
        if number % 5 == 4:
            self._review(day)
        with timestamp.frozen_at(day + timedelta(hours=22)):
            self._read()
            receipts.settle_in_steps(self._hub.store)
            publish_due(self._hub, fold_all(self._hub))

    def _thing(self) -> ReportedThing:
        chance, self._made = self._chance, self._made + 1
        kind = chance.choices(tuple(_SHARES), tuple(_SHARES.values()))[0]
        if kind == "phone" and not self._numbers:
            kind = "domain"
        columns = {"scam_type": chance.choice(_SCAMS), "channel": chance.choice(_CHANNELS)}
        columns["countries"] = chance.choice(_COUNTRIES)
        digest = hashlib.sha256(f"demo {self._made}".encode()).hexdigest()
        name = chance.choice(("parcel", "refund", "prize", "loan", "invest", "job", "bank-login", "tax"))
        if kind == "bank-account":
            return self._account(chance.choice(tuple(BANKS)), **columns)
        spelled = {
            "domain": f"{name}-{self._made}.example.{chance.choice(('com', 'net', 'org'))}",
            "url": f"https://www.example.com/{name}/{digest[:12]}",
            "phone": self._numbers.pop() if kind == "phone" else "",
            "wallet": f"0x{digest[:40]}",
            "social-account": f"mastodon:{name.replace('-', '')}{self._made}@social.example.org",
        }
        return normal(kind, spelled[kind], columns | ({"chain": "ethereum"} if kind == "wallet" else {}))

    def _wallet(self) -> ReportedThing:
        """Return a made-up wallet."""
        digest = hashlib.sha256(b"demo wallet").hexdigest()
        return normal("wallet", f"0x{digest[:40]}", {"chain": "ethereum"})

    def _account(self, bank: str, **columns: str) -> ReportedThing:
        """Return a made-up account at a bank."""
        self._made += 1
        columns = {"scam_type": "investment", "channel": "messaging", "countries": "TH", **columns}
        given = {"account_number": f"0000{self._made:06}", "bank": BANKS[bank], "country": "TH"}
        return normal("bank-account", given["account_number"], {**columns, **given, "payment_rail": "instant"})

    def _report(self, things: Sequence[ReportedThing]) -> None:
        """Let one to three partners report each value; some are known from before."""
        by_partner: dict[str, list[Item]] = defaultdict(list)
        known = [thing for thing in self._reported[-300:] if thing.subject not in self._gone]
        again = self._chance.sample(known, min(3, len(known)))
        for thing in (*things, *again):
            reporters = _REPORTERS[thing.kind]
            for name in self._chance.sample(reporters, self._chance.choice((1, 1, 2, 2, 3))):
                by_partner[name] += self.report(name, thing)
        for name, items in by_partner.items():
            self._send(name, items)
        self._reported += things

    @staticmethod
    def report(name: str, thing: ReportedThing, **more: str) -> list[Item]:
        """Return one partner's report of a value."""
        tlp = "clear" if thing.kind in ("domain", "url") else "green"
        now = timestamp.text(timestamp.now())
        given = {"reporter": name, "kind": thing.kind, "tlp": tlp, "reported_at": now, **thing.columns, **more}
        reader = ReportReader({column: text for column, text in given.items() if column != "account_number"})
        report = reader.report({"value": thing.columns.get("account_number", thing.value)})
        return [Item.of(obj) for obj in to_stix(report) if obj["type"] == "indicator"]

    def listing(self, thing: ReportedThing) -> str:
        """Return the id of the first listing of a value."""
        return ids.of_hub(self._secret, "indicator", "listing", thing.subject, "", 0)

    def record(self, name: str, which: str, **columns: Any) -> Item:
        """Return a partner's record in the form it is sent."""
        defaults = {"reporter": name, "reported_at": timestamp.text(timestamp.now()), "tlp": "green"}
        return Item.of(records.to_stix(tabular.read_record(which, columns, defaults))[-1])

    def _send(self, name: str, items: Sequence[Item]) -> None:
        with self._hub.store.begin() as tx:
            contribute(self._hub, tx, self._partners[name], items)

    def _read(self) -> None:
        """Let all partners read their collections up to the end."""
        with self._hub.store.begin() as tx:
            found = {collection.alias: collection for collection in collections.all_collections(tx)}
            read = [
                (name, found[alias].id, found[alias].last_added)
                for alias, readers in READERS.items()
                for name in readers
            ]
            read += [
                (name, collection.id, collection.last_added)
                for collection in found.values()
                if (name := collection.owner) is not None and collection.kind == "private"
            ]
            read_progress.record_reads(tx, read)

    def _act(self, things: Sequence[ReportedThing], day: datetime) -> None:
        """Let readers act on most new listings, report outcomes for that day, and sight listed values again."""
        by_partner: dict[str, list[Item]] = defaultdict(list)
        for thing in things:
            word, names = _FIRST_ACTION[thing.kind]
            if self._chance.random() < 0.7:
                name = self._chance.choice(names)
                by_partner[name].append(self.record(name, "outcome", of=self.listing(thing), outcome=word))
        for name in BANKS:
            by_partner[name] += self._stated(name, day)
        known = [thing for thing in self._reported[-120:] if thing.kind in ("domain", "phone", "url")]
        for name in READERS["takedown"]:
            now = timestamp.text(timestamp.now())
            seen = self._chance.sample(known, min(4, len(known)))
            times = {"first_seen": now, "last_seen": now}
            by_partner[name] += [self.record(name, "sighting", of=self.listing(thing), **times) for thing in seen]
        for name, items in by_partner.items():
            self._send(name, items)

    def _answer(self, things: Sequence[ReportedThing], number: int) -> None:
        """Let the banks report findings on their accounts; now and then an account belongs to an honest customer."""
        by_partner: dict[str, list[Item]] = defaultdict(list)
        for thing in things:
            if thing.kind != "bank-account":
                continue
            name = next(name for name, bic in BANKS.items() if bic == thing.columns["bank"])
            code = "genuine" if (self._made + number) % 11 == 0 else self._chance.choice(("fraud", "fraud", "closed"))
            if code != "fraud":
                self._gone.add(thing.subject)
            listed = self._kept_listing(name, thing)
            by_partner[name].append(self.record(name, "qualification", of=listed, code=code))
        for name, items in by_partner.items():
            self._send(name, items)

    def _kept_listing(self, name: str, thing: ReportedThing) -> str:
        return ids.of_hub(self._secret, "indicator", "listing", thing.subject, track_of_provider(name), 0)

    def _stated(self, name: str, day: datetime) -> list[Item]:
        """Return the outcomes that a bank reports for that day."""
        accounts = [thing for thing in self._reported[-80:] if thing.kind == "bank-account"]
        if not accounts:
            return []
        of, today = self.listing(self._chance.choice(accounts)), f"{day:%Y-%m-%d}"
        stated = []
        for word, payments, share in (("declined", 26, 1.0), ("held", 14, 0.7), ("returned", 9, 0.4)):
            count = payments + self._chance.randrange(10)
            amount = int(count * self._chance.randrange(18_000, 26_000) * share)
            columns = {"count": str(count), "victims": str(count - 3), "amount": str(amount), "currency": "THB"}
            stated.append(self._totals(name, of, word, today, columns))
        warned = 60 + self._chance.randrange(40)
        for word, people in (("warned", warned), ("customer-stopped", warned // 3)):
            stated.append(self._totals(name, of, word, today, {"count": str(people), "victims": str(people)}))
        return stated

    def _totals(self, name: str, of: str, word: str, day: str, columns: dict[str, str]) -> Item:
        reference = f"D{day.replace('-', '')}"
        period = {"period_from": day, "period_to": day, "reference": reference}
        return self.record(name, "outcome", of=of, outcome=OutcomeWord(word).value, **period, **columns)

    def _retract(self, day: datetime) -> None:
        """Let the operator retract a wrong value, and readers read the retraction."""
        at = day + timedelta(hours=13)
        thing = self._chance.choice(self._reported[-40:])
        self._gone.add(thing.subject)
        with timestamp.frozen_at(at), self._hub.store.begin() as tx:
            retract(self._hub, tx, self.listing(thing))
        with timestamp.frozen_at(at + timedelta(minutes=self._chance.randrange(3, 9))):
            self._read()
            receipts.settle_in_steps(self._hub.store)

    def _object(self, day: datetime) -> None:
        """Let a person object to a public listing, and the desk decide a day later."""
        domains = [thing for thing in self._reported[-60:] if thing.kind == "domain"]
        if not domains:
            return
        thing = self._chance.choice(domains)
        with timestamp.frozen_at(day + timedelta(hours=10)):
            self.object_to(thing)
        with timestamp.frozen_at(day + timedelta(hours=21)):
            self._decide()

    def _review(self, day: datetime) -> None:
        """Let the desk reject the reports that wait for a person."""
        with timestamp.frozen_at(day + timedelta(hours=21, minutes=30)), self._hub.store.begin() as tx:
            waiting = [review.object_id for review in reviews.all_reviews(tx, "open")]
            reviewing.decide(self._hub, tx, waiting, "rejected", _DESK)

    def object_to(self, thing: ReportedThing) -> None:
        """Let a person object to the listing of a value."""
        asked = ObjectionRequest(thing.value, Ground.NOT_INVOLVED, thing.kind)
        run(self._hub, ReceiveObjection(asked=asked, days=_OBJECTION_DAYS), Actor.anybody())
        deciding.route_new(self._hub)

    def _decide(self) -> None:
        with self._hub.store.read() as tx:
            waiting = [found.id for found in objections.all_objections(tx)]
        for id_ in waiting:
            with self._hub.store.begin() as tx:
                if self._chance.random() < 0.35:
                    deciding.clear(self._hub, tx, id_, _DESK)
                else:
                    deciding.uphold(tx, id_, _DESK, UpholdReason.SEVERAL_REPORTS)
