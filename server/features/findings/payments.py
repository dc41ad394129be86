"""The payments to an account that contributors report, as far as their limits let its provider know of them.

They are flows, and the money paid that a report of the account states; of a partner with both, the flows.

The provider sees its own payments: exact numbers would show it the paying bank, and with that the reporter. So it reads
bands, and months instead of days until several organisations report payments.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from decimal import Decimal
from typing import Any, NamedTuple

from mappers import annotation, extension
from mappers.records import observable_ids
from schemas import kinds, timestamp
from schemas.api.accounts import AmountBand, NumberBand, PaymentFacts
from schemas.errors import Rejected
from schemas.fields import plain_amount
from schemas.partner import Partner
from server.release.fuse.statements import ReportedValue
from server.release.route import annotation_targets
from server.release.route.audience import audience_within
from server.release.route.policy import ReportFacts
from server.release.session import ReleaseSession
from server.store import inbox, value_index

# With fewer organisations, days could show which bank's customer paid.
LEAST_ORGANISATIONS = 3
# The number of one contributor's payments that are read, so that none can hide another's behind many.
_MOST_OF_ONE = 100
_COUNTS = (1, 5, 20, 100)
_LEAST_AMOUNT, _MOST_AMOUNT = Decimal(1_000), Decimal(100_000_000)
_MONTH, _DAY = 7, 10


class _Reported(NamedTuple):
    """One stated payment, and the organisation that reports it; times are as STIX writes them."""

    number: int
    amount: Decimal | None
    currency: str | None
    times: tuple[str, ...]
    organisation: str


def payments_to(session: ReleaseSession, value: ReportedValue, provider: Partner) -> PaymentFacts | None:
    """Return the payments to the provider's account that it may know of, None if there are none."""
    if not kinds.get(value.kind).account or not value.own:
        return None
    ids = frozenset[str]().union(
        *(observable_ids(value.kind, known.report.value, known.report.details) for known in value.own)
    )
    keys, is_complete = _keys(session, ids)
    flows = list(_readable(session, value, provider, ids, keys))
    with_flows = {one.organisation for one in flows}
    found = flows + [one for one in _stated(session, value, provider) if one.organisation not in with_flows]
    return _in_bands(found, is_complete=is_complete) if found else None


def _keys(session: ReleaseSession, ids: Set[str]) -> tuple[list[str], bool]:
    """Return the keys of relationships that name one of these observables, and whether these are all."""
    spaces = session.context.registry.by_space
    named = ids | {inbox.key(space, id_) for space in spaces for id_ in ids}
    by_space: dict[int, list[str]] = defaultdict(list)
    for key in sorted({key for keys in value_index.find(session.context.tx, named).values() for key in keys}):
        if "/relationship--" in key:
            by_space[inbox.space(key)].append(key)
    kept = [key for keys in by_space.values() for key in keys[:_MOST_OF_ONE]]
    return kept, len(kept) == sum(map(len, by_space.values()))


def _readable(
    session: ReleaseSession, value: ReportedValue, provider: Partner, ids: Set[str], keys: Sequence[str]
) -> Iterator[_Reported]:
    """Yield the payments of other organisations that count, and whose limits admit the provider."""
    context, loader = session.context, session.loader
    # Somebody whose report is hidden from the provider does not show it by its payments.
    hidden = {one.partner.name for one in value.own if not one.audience.includes(provider.name, context.registry)}
    loader.read(keys)
    loader.look_up_reviews(keys)
    for key in keys:
        obj = loader.known.get(key)
        if obj is None or obj.get("revoked") is True or not annotation_targets.is_flow(obj) or loader.is_held(key):
            continue
        partner, tlp = context.contributor(key), loader.tlp(key)
        is_withheld = partner.name in hidden or partner.counts_as == provider.counts_as
        if tlp is None or is_withheld or obj["target_ref"] not in ids:
            continue
        try:
            limits = extension.sharing(obj)
            flow = annotation.rebuild(obj, tlp).obj
        except Rejected:
            continue
        homes = context.policy.aliases(ReportFacts(value.kind, tlp, partner.kind))
        audience = audience_within(homes, tlp, limits, partner, context.registry, coerced=value.coerced)
        if audience.includes(provider.name, context.registry):
            yield _reported(flow, partner.counts_as)


def _stated(session: ReleaseSession, value: ReportedValue, provider: Partner) -> Iterator[_Reported]:
    """Yield the payments in the reports of other organisations that the provider may know of."""
    for known in value.own:
        report, paid = known.report, known.report.paid
        is_own = known.partner.counts_as == provider.counts_as
        if paid is None or is_own or not known.audience.includes(provider.name, session.context.registry):
            continue
        times = tuple(timestamp.text(time) for time in (report.first_seen, report.last_seen) if time is not None)
        yield _Reported(1, paid.amount, paid.currency, times, known.partner.counts_as)


def _reported(flow: Mapping[str, Any], organisation: str) -> _Reported:
    said = extension.context_of(flow)
    amount, currency = said.get("amount"), said.get("currency")
    times = (said.get("first_seen", flow.get("start_time")), said.get("last_seen", flow.get("stop_time")))
    return _Reported(
        said.get("transfers", 1),
        Decimal(amount) if amount is not None and currency is not None else None,
        currency,
        tuple(filter(None, times)),
        organisation,
    )


def _in_bands(found: Sequence[_Reported], *, is_complete: bool) -> PaymentFacts:
    organisations = len({one.organisation for one in found})
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for one in found:
        if one.amount is not None and one.currency is not None:
            amounts[one.currency] += one.amount
    moments = [timestamp.text(timestamp.parse(time)) for one in found for time in one.times]
    length = _DAY if organisations >= LEAST_ORGANISATIONS else _MONTH
    return PaymentFacts(
        organisations=organisations,
        payments=band_of_number(sum(one.number for one in found)),
        amounts=tuple(band_of_amount(currency, amount) for currency, amount in sorted(amounts.items())),
        first=min(moments)[:length] if moments else None,
        last=max(moments)[:length] if moments else None,
        complete=is_complete,
    )


def band_of_number(number: int) -> NumberBand:
    """Return the band of a number: 1, to 5, to 20, to 100, or more."""
    least = 1
    for most in _COUNTS:
        if number <= most:
            return NumberBand(least, most)
        least = most + 1
    return NumberBand(least)


def band_of_amount(currency: str, amount: Decimal) -> AmountBand:
    """Return the band of an amount: below 1,000, then up to the next 5 or 1 with zeros, or 100,000,000 and more."""
    if amount >= _MOST_AMOUNT:
        return AmountBand(currency, plain_amount(_MOST_AMOUNT))
    least, below, times_five = Decimal(0), _LEAST_AMOUNT, True
    while amount >= below:
        least, below, times_five = below, below * (5 if times_five else 2), not times_five
    return AmountBand(currency, plain_amount(least) or "0", plain_amount(below))
