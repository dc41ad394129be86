"""A month counted again: from the objects of the logs, and the tables of reads, receipts and objections.

It reads no table of the figures: each figure is one pass over all rows, with exact durations.

Readings, known delistings and decisions count on the day of their moment. The hub counts them on the day on which its
thread finds them, so that a closed day never changes: the two agree while the thread runs after each of them.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from server.features.trends.source import stretch
from server.store import collections, partners
from server.store.database.engine import Tx

_LOGS = ("takedown", "mule-accounts", "wallets", "public")
_ACTS = frozenset(
    ("blocked", "declined", "held", "returned", "warned", "customer-stopped", "taken-down", "number-disconnected")
)
_NEVER = 1 << 62


class Seen(NamedTuple):
    """A row of a log, with the properties of the report's extension."""

    added: int
    by: str
    key: str
    value: int | None
    revoked: bool
    obj: dict[str, Any]
    own: dict[str, Any]


@dataclass
class Recount:
    """The counts of a month by figure, dimension and word; its exact durations in seconds; its money and people."""

    numbers: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    times: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    money: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    people: Counter[str] = field(default_factory=Counter)


class Recounting:
    """All rows of a store, and the month to count: from its first moment to the first of the next (microseconds)."""

    def __init__(self, tx: Tx, month: str, following: str, target: timedelta) -> None:
        """Read the rows; ``target`` is the time that providers have."""
        self._tx = tx
        self._target = target // timedelta(microseconds=1)
        self._begin, self._end = (_moment(f"{each}-01T00:00:00Z") for each in (month, following))
        self._month = month
        self._names = {space: partner.name for space, partner in partners.load_registry(tx).by_space.items()}
        found = {collection.alias: collection for collection in collections.all_collections(tx)}
        self._ids = {alias: (found[alias].id, found[f"{alias}-full"].id) for alias in _LOGS}
        inbox = self._rows(found["inbox"])
        self._reports = [row for row in inbox if row.obj["type"] == "indicator"]
        self._opinions = [row for row in inbox if row.obj["type"] == "opinion"]
        self._sightings = [row for row in inbox if row.obj["type"] == "sighting"]
        self._logs = {alias: [row for row in self._rows(found[alias]) if row.key.startswith("ind")] for alias in _LOGS}
        # A version that ends a listing does not name its value.
        self._values = {row.key: row.value for rows in self._logs.values() for row in rows if row.value is not None}
        homes: dict[int, str] = {}
        for alias in _LOGS:
            for row in self._logs[alias]:
                homes.setdefault(self._values[row.key], alias)
        self._listings: defaultdict[tuple[str, str], list[Seen]] = defaultdict(list)
        for alias in _LOGS:
            for row in self._logs[alias]:
                if homes[self._values[row.key]] == alias:
                    self._listings[alias, row.key].append(row)
        self._entered = {key: rows[0].added for (_, key), rows in self._listings.items()}
        self.found = Recount()

    def _rows(self, log: Any) -> list[Seen]:
        rows = []
        for row in stretch(self._tx, log, 0, 1_000_000).rows:
            obj = json.loads(row.body)
            own = next((each for each in obj.get("extensions", {}).values() if "extension_type" in each), {})
            rows.append(Seen(row.added, self._names.get(row.space, ""), row.key, row.value, row.revoked, obj, own))
        return rows

    def run(self) -> Recount:
        """Count everything."""
        first = self._first_reports()
        self._count_listings(first)
        self._count_reports(first)
        self._count_annotations()
        self._count_wrong()
        self._count_objections()
        return self.found

    def _is_now(self, moment: int) -> bool:
        return self._begin <= moment < self._end

    def _first_reports(self) -> dict[tuple[int, str], Seen]:
        first: dict[tuple[int, str], Seen] = {}
        for row in self._reports:
            if row.value is not None:
                first.setdefault((row.value, row.by), row)
        return first

    def _count_listings(self, first: dict[tuple[int, str], Seen]) -> None:
        reads = {
            alias: sorted(
                tuple(row)
                for row in self._tx.execute(
                    text("SELECT read_up_to, at FROM read_steps WHERE collection IN (:plain, :full)"),
                    {"plain": ids[0], "full": ids[1]},
                )
            )
            for alias, ids in self._ids.items()
        }
        for (alias, key), rows in self._listings.items():
            value, entered, until = self._values[key], rows[0].added, -1
            for row in rows:
                until_now = -1 if row.revoked else _moment(row.obj["valid_until"])
                if until <= row.added < until_now:
                    self._number("listed", row.added)
                if row.revoked and until > row.added:
                    self._number("delisted", row.added)
                    self._count_delisting(alias, key, row)
                until = until_now
            reported = min(each.added for (of, _), each in first.items() if of == value)
            self._time("report-to-listing", entered, entered - reported)
            read = [at for up_to, at in reads[alias] if up_to >= entered // 1000 * 1000]
            if read:
                self._time("listing-to-read", min(read), min(read) - entered // 1000 * 1000)

    def _count_delisting(self, alias: str, key: str, row: Seen) -> None:
        """Count when all readers knew."""
        known = self._tx.execute(
            text("SELECT opened, closed FROM receipts WHERE object_id = :key AND collection IN (:plain, :full)"),
            {"key": key, "plain": self._ids[alias][0], "full": self._ids[alias][1]},
        ).all()
        if known and all(closed is not None for _, closed in known):
            self._time("delisting-to-all", max(closed for _, closed in known), max(at - since for since, at in known))

    def _count_reports(self, first: dict[tuple[int, str], Seen]) -> None:
        versions: defaultdict[int, list[Seen]] = defaultdict(list)
        for rows in self._logs.values():
            for row in rows:
                versions[self._values[row.key]].append(row)
        for (value, _), row in first.items():
            last: dict[str, Seen] = {}
            # A report and the version of the listing that includes it are of the same second.
            for version in sorted(versions[value], key=lambda version: version.added):
                if version.added <= row.added + 1_000_000:
                    last[version.key] = version
            if all(version.revoked for version in last.values()):
                continue
            self._number("reports", row.added)
            for dimension in ("kind", "scam_type", "channel", "payment_rail"):
                self._number("reports", row.added, dimension, row.own.get(dimension, "not-stated"))
            for country in row.own.get("countries", ["not-stated"]):
                self._number("reports", row.added, "country", country)

    def _count_annotations(self) -> None:
        acted: set[str] = set()
        seen: set[str] = set()
        for row in (*self._sightings, *self._opinions):
            refs = row.obj.get("object_refs") or [row.obj.get("sighting_of_ref")]
            about = [ref for ref in refs if self._entered.get(ref, _NEVER) < row.added]
            if row.key in seen or not about:
                continue
            seen.add(row.key)
            outcome = row.own.get("outcome")
            if row.obj["type"] == "sighting":
                self._number("sightings", row.added)
            elif outcome is not None:
                self._number("actions", row.added)
                self._state(row.own)
                if outcome in _ACTS and about[0] not in acted:
                    acted.add(about[0])
                    self._time("listing-to-action", row.added, row.added - self._entered[about[0]])

    def _state(self, own: dict[str, Any]) -> None:
        if own.get("period_to", "").startswith(self._month):
            self.found.people[own["outcome"]] += own.get("victims", 0)
            if "amount" in own:
                self.found.money[f"{own['outcome']} {own['currency']}"] += Decimal(own["amount"])

    def _count_wrong(self) -> None:
        """Count the listings that their bank found wrong, and those of other values that the hub found wrong."""
        names = {
            number: _plain(name) for number, name in self._tx.execute(text("SELECT number, subject FROM subjects"))
        }
        harmless = {_plain(name) for (name,) in self._tx.execute(text("SELECT name FROM delisted"))}
        cleared: dict[int, int] = {}
        asked = "SELECT value, since, left, code, answered FROM kept_accounts WHERE answered IS NOT NULL"
        for value, since, _, code, answered in self._tx.execute(text(asked)):
            self._number("keeper-answers", answered)
            is_late = answered - since > self._target
            self._number("keeper-answers", answered, "timeliness", "late" if is_late else "in-time")
            self._time("keeper-answers", answered, answered - since)
            if code in ("genuine", "misattributed"):
                cleared[value] = answered
                self._number("wrong", answered)
                self._time("wrong-listed-for", answered, answered - since)
        for rows in self._listings.values():
            for row in rows:
                value = self._values[row.key]
                if row.revoked and names[value] in harmless and cleared.get(value, -1) < rows[0].added:
                    self._number("wrong", row.added)
                    self._time("wrong-listed-for", row.added, row.added - rows[0].added)

    def _count_objections(self) -> None:
        asked = (
            "SELECT received, due, decided FROM objections WHERE decided IS NOT NULL AND public AND decided_by <> ''"
        )
        for received, due, decided in self._tx.execute(text(asked)):
            self._number("objections", decided)
            self._number("objections", decided, "timeliness", "in-time" if decided <= due else "late")
            self._time("objections", decided, decided - received)

    def _number(self, figure: str, moment: int, dimension: str = "", word: str = "") -> None:
        if self._is_now(moment):
            self.found.numbers[figure, dimension, word] += 1

    def _time(self, figure: str, moment: int, micros: int) -> None:
        if self._is_now(moment):
            self.found.times[figure].append(micros / 1_000_000)


def _plain(name: str) -> str:
    """Return a name without its kind: a delisted domain is named as a host."""
    return name.partition(":")[2]


def _moment(stamp: str) -> int:
    return int(datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone(UTC).timestamp() * 1_000_000)
