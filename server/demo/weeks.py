"""Eight weeks before the demonstration, played by the same rules and in a time of their own, so that charts are alive.

All values are made up or reserved: names below example.com and its like, example telephone numbers, wallets that are
digests, account numbers that begin with four zeros. Nothing here was reported by anybody about anybody.
"""

import csv
import gzip
import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from mappers import ids, records
from mappers.indicator import to_stix
from schemas import clock, kinds, tabular, timestamp
from schemas.api.objection import Ground, ObjectionRequest, UpholdReason
from schemas.errors import Rejected
from schemas.partner import FocalFunction, Partner, PartnerKind
from schemas.request import Request
from schemas.tabular import ReportReader
from schemas.vocabulary import OutcomeWord
from server.demo.site import DemoHub
from server.release import review as reviewing
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.objections import decide as deciding, receive
from server.release.query import receipts
from server.release.requests import desk
from server.release.retract import retract
from server.release.trends.fold import fold_all
from server.release.trends.publish import publish_due
from server.store import collections, focal_points, hub_identity, read_progress, reviews, value_index
from server.store.item import Item
from server.store.listings import track_of_keeper
from server.store.objections import objections

MOST_WEEKS = 8
# Before them, so that nobody is new in them.
KNOWN_FOR = timedelta(days=300)
_WEEKS_BEFORE = 20
_SEED = 20261126
_EXAMPLE_NUMBERS = Path(__file__).parent / "reports" / "telecom-example-numbers.csv.gz"
_OBJECTION_DAYS = 15
_DESK = "Anong of the desk"

# Whom the keeper's pages are shown for.
KEEPER = "Harbour bank"
BANKS: dict[str, str] = {KEEPER: "KASITHBK", "River bank": "BKKBTHBK", "Garden bank": "SICOTHBK"}
_SHOWN = (KEEPER, "Video platform", "Consumer association")
_OWN_DOMAIN = "harbour-bank.example.com"
PARTNERS: dict[str, PartnerKind] = {
    **dict.fromkeys(BANKS, PartnerKind.BANK),
    "Video platform": PartnerKind.PLATFORM,
    "Mobile operator": PartnerKind.TELECOM,
    "Coin exchange": PartnerKind.EXCHANGE,
    "Consumer association": PartnerKind.NGO,
    "Scam desk of the ministry": PartnerKind.GOVERNMENT,
}
_REPORTERS: dict[str, tuple[str, ...]] = {
    "domain": ("Video platform", "Consumer association", "Scam desk of the ministry", "Mobile operator"),
    "url": ("Video platform", "Consumer association", "Scam desk of the ministry"),
    "bank-account": tuple(BANKS),
    "phone": ("Mobile operator", "Consumer association", KEEPER),
    "wallet": ("Coin exchange", "River bank", "Scam desk of the ministry"),
    "social-account": ("Video platform", "Consumer association", "Scam desk of the ministry"),
}
# Of a hundred reports.
_SHARES = {"domain": 36, "bank-account": 28, "phone": 15, "wallet": 8, "url": 8, "social-account": 5}
_SCAMS = ("investment", "merchandise", "impersonation-bank", "employment-task", "romance", "credential-phishing")
_CHANNELS = ("social-media", "messaging", "phone", "sms", "website", "ad")
_COUNTRIES = ("TH", "TH", "TH", "SG", "PH", "MY", "VN")
READERS = {
    "takedown": ("Video platform", "Mobile operator", "Scam desk of the ministry"),
    "mule-accounts": tuple(BANKS),
    "wallets": ("Coin exchange", "River bank", KEEPER),
}
_FIRST_ACTION = {
    "domain": ("taken-down", ("Video platform", "Mobile operator")),
    "url": ("taken-down", ("Video platform", "Mobile operator")),
    "phone": ("number-disconnected", ("Mobile operator",)),
    "social-account": ("taken-down", ("Video platform",)),
    "wallet": ("blocked", ("Coin exchange",)),
    "bank-account": ("held", tuple(BANKS)),
}
# Harmless: a short link that many share, much used sites, a public body, and the bank's own name.
_TRAPS = ("bit.ly", "wikipedia.org", "line.me", "bot.or.th", _OWN_DOMAIN)


class ReportedThing(NamedTuple):
    """A value that somebody reported, with what the report says of it."""

    kind: str
    value: str
    columns: dict[str, str]

    @property
    def subject(self) -> str:
        """Return the name of the value in the value index."""
        return value_index.subject_of(self.kind, self.value)


def register(site: DemoHub) -> list[Partner]:
    """Register the partners of the weeks, each with what it reads, and the banks with what they keep."""
    with site.store.begin() as tx:
        for function in (FocalFunction.PREVENTION, FocalFunction.PROTECTION):
            focal_points.put(tx, focal_points.HUB, function, "help@hub.example.org")
    return [
        site.add_partner(
            name,
            kind,
            read=(*(alias for alias, names in READERS.items() if name in names), "sightings"),
            write=("inbox",),
            institutions=(BANKS[name],) if name in BANKS else (),
            named=name in BANKS,
            shown_publicly=name in _SHOWN,
        ).partner
        for name, kind in PARTNERS.items()
    ]


class Weeks:
    """The weeks up to ``until``, played on ``hub`` among these partners, the same in each run."""

    def __init__(self, hub: Hub, members: Iterable[Partner], until: datetime, weeks: int = MOST_WEEKS) -> None:
        """Play so many weeks for the hub that these partners have joined."""
        self._hub = hub
        self._weeks = weeks
        self._partners = {partner.name: partner for partner in members}
        self._until = until
        self._chance = random.Random(_SEED)  # noqa: S311 - nothing is secret here
        self._made = 0
        self._reported: list[ReportedThing] = []
        # The values that were taken back, or that their keeper cleared.
        self._gone: set[str] = set()
        self._numbers = _example_numbers()
        with hub.store.read() as tx:
            self._secret = hub_identity.secret(tx, "ids")
            self._collections = {collection.alias: collection for collection in collections.all_collections(tx)}

    def play(self) -> int:
        """Play day by day until half a day before the end, then what waits; return how many values were reported."""
        day = self._until.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        day -= timedelta(weeks=self._weeks)
        number = 7 * (MOST_WEEKS - self._weeks)
        if self._weeks == MOST_WEEKS:
            # Of the months before, one day a week, so that a year's chart has more than one month.
            for week in range(_WEEKS_BEFORE, 0, -1):
                self._day(day - timedelta(weeks=week), -week)
        while day + timedelta(hours=22) < self._until - timedelta(hours=12):
            self._day(day, number)
            day += timedelta(days=1)
            number += 1
        self._leave_open()
        return len(self._reported)

    def _leave_open(self) -> None:
        """Leave something for each desk: accounts to answer for, requests, objections, and a queue with traps."""
        waiting = [self._account(KEEPER) for _ in range(8)]
        for thing, hours in zip(waiting, (11.5, 9.0, 6.5, 4.2, 3.1, 1.8, 0.7, 0.2), strict=True):
            with clock.at(self._until - timedelta(hours=hours)):
                for name in ("River bank", "Garden bank") if hours > 3 else ("River bank",):
                    self._send(name, self.report(name, thing))
                if thing is waiting[1]:
                    self._request(thing, timedelta(hours=8))
                if thing is waiting[4]:
                    self._object_to_some()
                if thing is waiting[5]:
                    self._queue()
                    self._request(thing, timedelta(hours=4))
        self._reported += waiting
        with clock.at(self._until - timedelta(minutes=4)):
            self._read()
            publish_due(self._hub, fold_all(self._hub))

    def _request(self, thing: ReportedThing, within: timedelta) -> None:
        """Let a bank ask the keeper to freeze what is at an account."""
        self._made += 1
        now = timestamp.now()
        asked = Request.model_validate(
            {
                "reporter": "River bank",
                "reported_at": timestamp.text(now),
                "tlp": "amber",
                "asks": "freeze",
                "of": {"kind": thing.kind, "value": thing.value},
                "reference": f"R-{self._made}",
                "amount": "185000",
                "currency": "THB",
                "deadline": timestamp.text(now + within),
                "legal_basis": "scheme-rules",
            }
        )
        with self._hub.store.begin() as tx:
            desk.send(self._hub, tx, self._partners["River bank"], asked)

    def _object_to_some(self) -> None:
        for name in ("garden-tools", "tea-house"):
            thing = _normal("domain", f"{name}.example.com", {"scam_type": "merchandise", "channel": "ad"})
            for reporter in _REPORTERS["domain"][:2]:
                self._send(reporter, self.report(reporter, thing))
            self.object_to(thing)

    def _queue(self) -> None:
        """Let partners report what the rules hold for a person: harmless values, and some that are not."""
        with self._hub.store.begin() as tx:
            value_index.add_own_values(tx, KEEPER, [value_index.subject_of("domain", _OWN_DOMAIN)])
        for number, value in enumerate(_TRAPS):
            name = _REPORTERS["domain"][number % 3]
            thing = _normal("domain", value, {"scam_type": "impersonation-business", "channel": "messaging"})
            self._send(name, self.report(name, thing))

    def _day(self, day: datetime, number: int) -> None:
        weekend = day.weekday() >= 5
        # More from week to week, fewer at weekends, and one wave of texts in the fifth week.
        volume = (12 if weekend else 22) + number // 7 * 2 + (14 if 30 <= number <= 33 else 0)
        at = day + timedelta(hours=self._chance.choice((2, 4, 8)), minutes=self._chance.randrange(50))
        if number < 0:
            volume = 22 + _WEEKS_BEFORE + number
        new = [self._thing() for _ in range(volume + self._chance.randrange(6))]
        with clock.at(at):
            self._report(new)
        with clock.at(at + timedelta(minutes=1, seconds=self._chance.randrange(30, 240))):
            self._read()
        with clock.at(at + timedelta(minutes=self._chance.randrange(12, 55))):
            self._act(new, at)
        answered = at + timedelta(minutes=self._chance.randrange(70, 220))
        with clock.at(answered):
            self._answer(new, number)
        with clock.at(answered + timedelta(minutes=self._chance.randrange(3, 12))):
            self._read()
            receipts.settle_in_steps(self._hub.store)
        if number % 3 == 2:
            self._take_back(day)
        if number % 2:
            self._object(day)
        if number % 5 == 4:
            self._review(day)
        with clock.at(day + timedelta(hours=22)):
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
        return _normal(kind, spelled[kind], columns | ({"chain": "ethereum"} if kind == "wallet" else {}))

    def _account(self, bank: str, **columns: str) -> ReportedThing:
        """Return a made-up account at a bank."""
        self._made += 1
        columns = {"scam_type": "investment", "channel": "messaging", "countries": "TH", **columns}
        given = {"account_number": f"0000{self._made:06}", "bank": BANKS[bank], "country": "TH"}
        return _normal("bank-account", given["account_number"], {**columns, **given, "payment_rail": "instant"})

    def _report(self, things: Sequence[ReportedThing]) -> None:
        """Let one to three partners report each value; some values are known from before."""
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
        """Return the id under which the hub lists a value first."""
        return ids.of_hub(self._secret, "indicator", "listing", thing.subject, "", 0)

    def record(self, name: str, which: str, **columns: Any) -> Item:
        """Return a partner's record as it is sent."""
        defaults = {"reporter": name, "reported_at": timestamp.text(timestamp.now()), "tlp": "green"}
        return Item.of(records.to_stix(tabular.read_record(which, columns, defaults))[-1])

    def _send(self, name: str, items: Sequence[Item]) -> None:
        with self._hub.store.begin() as tx:
            contribute(self._hub, tx, self._partners[name], items)

    def _read(self) -> None:
        """Let all partners read what they may, up to the end."""
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
        """Let readers act on most of what is new, state what they did that day, and see again what is listed."""
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
        """Let the banks that keep the accounts answer; now and then an account is nobody's but a customer's."""
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
        return ids.of_hub(self._secret, "indicator", "listing", thing.subject, track_of_keeper(name), 0)

    def _stated(self, name: str, day: datetime) -> list[Item]:
        """Return what a bank states that it did that day."""
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

    def _take_back(self, day: datetime) -> None:
        """Let the operator take back a value that was wrong, and readers read that."""
        at = day + timedelta(hours=13)
        thing = self._chance.choice(self._reported[-40:])
        self._gone.add(thing.subject)
        with clock.at(at), self._hub.store.begin() as tx:
            retract(self._hub, tx, self.listing(thing))
        with clock.at(at + timedelta(minutes=self._chance.randrange(3, 9))):
            self._read()
            receipts.settle_in_steps(self._hub.store)

    def _object(self, day: datetime) -> None:
        """Let somebody object to a public listing, and the desk decide on it a day later."""
        domains = [thing for thing in self._reported[-60:] if thing.kind == "domain"]
        if not domains:
            return
        thing = self._chance.choice(domains)
        with clock.at(day + timedelta(hours=10)):
            self.object_to(thing)
        with clock.at(day + timedelta(hours=21)):
            self._decide()

    def _review(self, day: datetime) -> None:
        """Let the desk reject what waits for a person."""
        with clock.at(day + timedelta(hours=21, minutes=30)), self._hub.store.begin() as tx:
            waiting = [review.object_id for review in reviews.all_reviews(tx, "open")]
            reviewing.decide(self._hub, tx, waiting, "rejected", _DESK)

    def object_to(self, thing: ReportedThing) -> None:
        """Let somebody object to the listing of a value."""
        with self._hub.store.begin() as tx:
            receive.receive(tx, ObjectionRequest(thing.value, Ground.NOT_INVOLVED, thing.kind), _OBJECTION_DAYS, None)
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


def _normal(kind: str, value: str, columns: dict[str, str]) -> ReportedThing:
    """Return a value in its normal form."""
    found = kinds.get(kind)
    given = {name: text for name, text in columns.items() if name in found.columns}
    return ReportedThing(kind, found.normalise(value, given).value, columns)


def _example_numbers() -> list[str]:
    """Return example numbers of many countries, which belong to nobody."""
    with gzip.open(_EXAMPLE_NUMBERS, "rt", encoding="utf-8") as stream:
        return list(_usable(row["e164"] for row in csv.DictReader(stream) if row["type"] == "mobile"))


def _usable(numbers: Iterable[str]) -> Iterator[str]:
    for number in numbers:
        try:
            kinds.get("phone").normalise(number, {})
        except Rejected:
            continue
        yield number
