"""Totals of outcomes: read from the objects that state some, and added to the partner's sums."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from typing import Any

import orjson

from mappers import extension
from mappers.record_reader import read_opinions
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.records import Outcome
from schemas.vocabulary import ScamType
from server.release.context import ReleaseContext
from server.release.fuse.statements import ReportedValue
from server.store.database.times import micros
from server.store.outcomes import totals
from server.store.outcomes.totals import OutcomeTotals

Obj = Mapping[str, Any]

TOO_MANY_ALIKE = (
    f"its totals do not count: more than {totals.MOST_ALIKE:,} records are about the same; "
    "send a new version of one of them instead"
)
_SEVERAL, _UNKNOWN = "several", "unknown"
_STATING = frozenset({"count", "victims", "amount"})


def states_totals(obj: Obj | None) -> bool:
    """Return whether an object is an outcome that states totals, including invalid ones."""
    if obj is None or obj.get("type") != "opinion":
        return False
    return not _STATING.isdisjoint(extension.context_of(obj))


class TotalsFold:
    """Collects the totals that one partner states in one transaction, and adds them to its sums.

    An organisation counts once, however many partners it has. The partners of its organisation are locked
    (``server.store.partners.lock``).
    """

    def __init__(self, context: ReleaseContext, partner: Partner) -> None:
        """Add the totals that ``partner`` states."""
        self._context = context
        self._partner = partner
        self._stated: list[OutcomeTotals] = []
        self._ended: list[str] = []
        self._messages: dict[str, str] = {}
        # Stored digests by the name of a partner of the organisation, by the present digests.
        self._formerly: dict[bytes, bytes] = {}
        self._organisation = [
            other.name for other in context.registry.by_identity.values() if other.counts_as == partner.counts_as
        ]

    def add(
        self, key: str, obj: Obj, refs: Iterable[str], values: Mapping[str, ReportedValue], *, counts: bool
    ) -> None:
        """Add the object with that key; if it does not count, its earlier totals no longer count either.

        ``refs`` are the subjects of the values that it is about if these are known here, otherwise its own ids for
        them; ``values`` has these values.
        """
        try:
            stated = read_opinions(obj)[0] if counts and obj.get("revoked") is not True else None
        except Rejected as refusal:
            stated = None
            self._messages[key] = f"its totals do not count: {refusal.message}"
        if isinstance(stated, Outcome) and stated.has_totals:
            self._stated.append(self._totals(key, stated, frozenset(refs), values))
        else:
            self._ended.append(key)

    def fold(self) -> Mapping[str, str]:
        """Store the added totals, and return the messages about records that do not count, by key."""
        if self._stated or self._ended:
            refused = totals.fold(
                self._context.tx,
                self._partner.name,
                self._stated,
                self._ended,
                organisation=self._organisation,
                formerly=self._formerly,
            )
            self._messages |= dict.fromkeys(refused, TOO_MANY_ALIKE)
            self._stated, self._ended = [], []
        return self._messages

    def _totals(self, key: str, stated: Outcome, refs: Set[str], values: Mapping[str, ReportedValue]) -> OutcomeTotals:
        known = [values[ref] for ref in sorted(refs) if ref in values]
        kinds = {value.kind for value in known} or {_UNKNOWN}
        return OutcomeTotals(
            key,
            stated.outcome.value,
            self._about(stated, refs),
            stated.reference is not None,
            kinds.pop() if len(kinds) == 1 else _SEVERAL,
            _scam_type(known),
            self._partner.country or "",
            stated.day,
            stated.period_from,
            stated.period_to,
            stated.count,
            stated.victims,
            stated.amount,
            stated.currency or "",
            micros(stated.reported_at),
        )

    def _about(self, stated: Outcome, refs: Set[str]) -> bytes:
        """Return the digest of the subjects of totals: no outsider can compute it from a value."""
        named = {"reference": stated.reference} if stated.reference is not None else {"values": sorted(refs)}
        about = self._digest({"organisation": self._partner.counts_as, "outcome": stated.outcome.value, **named})
        for name in self._organisation:
            self._formerly[self._digest({"partner": name, "outcome": stated.outcome.value, **named})] = about
        return about

    def _digest(self, of: Mapping[str, Any]) -> bytes:
        secret = hashlib.sha256(b"totals" + self._context.facts.secret).digest()
        return hashlib.blake2b(orjson.dumps(of), key=secret, digest_size=16).digest()


def _scam_type(values: Iterable[ReportedValue]) -> str:
    """Return the scam type that most reports of the values state; in a tie, the first by name."""
    types = Counter(report.report.scam_type for value in values for report in value.statements)
    del types[ScamType.UNKNOWN]
    return min(types, key=lambda type_: (-types[type_], type_), default=ScamType.UNKNOWN.value)
