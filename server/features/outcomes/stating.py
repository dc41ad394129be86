"""Outcomes as plain JSON: read, matched with the listings that the partner may know, and written as records."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from mappers import records
from schemas import tabular, timestamp
from schemas.api.lookup import readings
from schemas.api.statements import StatedOutcome
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.reference.numbers import currency_of
from server.features.lookups import queries
from server.features.lookups.queries import ListedBody
from server.release.hub import Hub
from server.release.results import Result, Unpublished
from server.store.database.engine import Tx

_UNKNOWN = Rejected(
    "indicator-unknown",
    "no listing of this value is visible to you: report the value first, or give the id of your own report",
)
_SEVERAL = Rejected("several-kinds", "the value is listed as several kinds: give its kind")


class OutcomeObjects(NamedTuple):
    """The STIX objects of one outcome, or its refusal."""

    objects: Sequence[Mapping[str, Any]] = ()
    refused: Rejected | None = None

    @property
    def ids(self) -> list[str]:
        """Return the ids of its objects."""
        return [obj["id"] for obj in self.objects]

    def unpublished(self, results: Mapping[str, tuple[Result, Unpublished]]) -> tuple[Result, Unpublished] | None:
        """Return the result of its first object that is not published, None if all are."""
        return next((results[id_] for id_ in self.ids if id_ in results), None)


def write_all(hub: Hub, tx: Tx, partner: Partner, given: Sequence[StatedOutcome]) -> list[OutcomeObjects]:
    """Return the objects of each outcome, in order; a refused outcome does not affect the others."""
    country = partner.country or hub.country
    read = [_named(outcome, hub.country) for outcome in given]
    names = list(dict.fromkeys(name for named in read if isinstance(named, list) for name in named))
    # A value that is listed only for others takes as long as an unknown one.
    found = queries.known(tx, names, (), queries.readable_logs(tx, partner.name)).bodies
    known = {name: _ids_of(listed) for name, listed in found.items()}
    return [_written(partner, country, outcome, named, known) for outcome, named in zip(given, read, strict=True)]


def _ids_of(listed: Iterable[ListedBody]) -> list[str]:
    return sorted({msgspec.json.decode(one.body)["id"] for one in listed})


def _named(outcome: StatedOutcome, country: str) -> list[str] | Rejected:
    """Return the names of the value's readings; none if the outcome names a listing by its id."""
    if (outcome.value is None) == (outcome.listing is None):
        return Rejected("no-subject", "give either a value or the id of a listing")
    if outcome.value is None:
        return []
    try:
        return [one.name for one in readings(outcome.value, outcome.kind, outcome.details, country)]
    except Rejected as refusal:
        return refusal


def _written(
    partner: Partner,
    country: str,
    outcome: StatedOutcome,
    named: list[str] | Rejected,
    known: Mapping[str, Sequence[str]],
) -> OutcomeObjects:
    if isinstance(named, Rejected):
        return OutcomeObjects(refused=named)
    listed = [known[name] for name in named if name in known]
    if len(listed) > 1:
        return OutcomeObjects(refused=_SEVERAL)
    subjects = listed[0] if listed else [outcome.listing] if outcome.listing else []
    if not subjects:
        return OutcomeObjects(refused=_UNKNOWN)
    try:
        return OutcomeObjects(_objects(partner, country, outcome, subjects))
    except Rejected as refusal:
        return OutcomeObjects(refused=refusal)


def _objects(
    partner: Partner, country: str, outcome: StatedOutcome, subjects: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Return the objects about each listing; an outcome with numbers has one object about all listings."""
    columns = _columns(outcome, country)
    defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now())}
    has_totals = outcome.amount is not None or outcome.count is not None or outcome.victims is not None
    first, *others = subjects
    groups: list[dict[str, Any]] = (
        [{"of": first, "others": others}] if has_totals else [{"of": subject} for subject in subjects]
    )
    return [
        obj
        for group in groups
        for obj in records.to_stix(tabular.read_record("outcome", {**columns, **group}, defaults))
    ]


def _columns(outcome: StatedOutcome, country: str) -> dict[str, Any]:
    """Return the columns of the record. Raises ``Rejected``."""
    amount = None if outcome.amount is None else str(outcome.amount)
    currency = outcome.currency or (currency_of(country) or None if amount is not None else None)
    columns = {
        **{"outcome": outcome.outcome, "effective_from": outcome.at, "effective_until": outcome.until},
        **{"amount": amount, "currency": currency, "count": outcome.count, "victims": outcome.victims},
        **{"reason": outcome.reason, "description": outcome.note, "reference": outcome.reference},
        "tlp": outcome.tlp,
    }
    return {name: value for name, value in columns.items() if value is not None}
