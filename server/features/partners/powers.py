"""The powers of a partner: properties under dual control, which put the issue of its access under dual control too.

A trusted partner, one with authority and a provider decide on their own what others read. A peer reads the reports of
all partners. A person who issues credentials for such a partner could act in its name.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.partner import Partner
from server.features.partners import notices
from server.features.partners.properties import Properties, changed_partner
from server.store import partners
from server.store.database.engine import Tx
from server.store.database.times import now

# A partner that lost its powers still counts as having them for this many days. Otherwise one person could remove them,
# issue access, and have a second person restore them without knowing of it.
COUNTS_ON_DAYS = 30
_DAY = 86_400 * 1_000_000
_LISTS = ("authority", "institutions")
_FLAGS = ("trusted", "peer")
# Two persons vouch for a partner, which ends the limits of a newcomer. This is no power: one person issues its access.
_GIVEN_BY_TWO = (*_FLAGS, "vouched")


class SplitChange(NamedTuple):
    """A change in two parts: what one person changes ``now``, and the properties under dual control, by name."""

    now: Properties
    by_two: Mapping[str, Any]


def takes_two(tx: Tx, partner: Partner) -> bool:
    """Return whether access for a partner is under dual control: it has powers, or had them within the last 30 days."""
    ended = partners.powers_ended(tx, partner.name)
    return partner.has_powers or (ended is not None and ended > now() - COUNTS_ON_DAYS * _DAY)


def joins_others(tx: Tx, partner: Partner, before: Partner | None = None) -> bool:
    """Return whether a partner is to belong to an organisation of others: it shares their record and their quotas."""
    if before is not None and before.counts_as == partner.counts_as:
        return False
    return any(
        other.counts_as == partner.counts_as for other in partners.all_partners(tx) if other.name != partner.name
    )


def split(tx: Tx, before: Partner, given: Properties) -> SplitChange:
    """Split a change into the part of one person and the part under dual control. Raises ``BadProperties``.

    A list with additions is under dual control as a whole; one person may make a change that only removes entries. The
    kind of a partner with powers counts as a power: the rules read both together. So does the organisation of others.
    """
    changed = changed_partner(before, given)
    by_two: dict[str, Any] = {
        name: True for name in _GIVEN_BY_TWO if getattr(changed, name) and not getattr(before, name)
    }
    for name in _LISTS:
        if set(getattr(changed, name)) - set(getattr(before, name)):
            by_two[name] = list(getattr(changed, name))
    if joins_others(tx, changed, before):
        by_two["organisation"] = changed.organisation or ""
    if changed.kind != before.kind and (before.has_powers or by_two):
        by_two["kind"] = str(changed.kind)
    rest: dict[str, Any] = {**given._asdict(), **dict.fromkeys(by_two)}
    if given.drops_answers and "institutions" in by_two:
        by_two["drops_answers"] = True
        rest["drops_answers"] = False
    return SplitChange(Properties(**rest), by_two)


def tell_of_change(tx: Tx, before: Partner | None, changed: Partner) -> None:
    """Tell a partner which powers it gained or lost, and record when it lost the last one."""
    given = {name: list(getattr(changed, name)) for name in _LISTS}
    had = {name: list(getattr(before, name)) if before is not None else [] for name in _LISTS}
    for name in _FLAGS:
        if getattr(changed, name) != (before is not None and getattr(before, name)):
            notices.add(tx, changed.name, f"{name}-given" if getattr(changed, name) else f"{name}-ended", {})
    for name in _LISTS:
        if set(given[name]) != set(had[name]):
            notices.add(tx, changed.name, f"{name}-changed", {name: given[name]})
    if before is not None and before.has_powers and not changed.has_powers:
        partners.note_powers_ended(tx, changed.name)
