"""Enter a value as harmless: alone, or under dual control if that may delist values that many partners read."""

from collections.abc import Sequence

from server.features.reports.delistings import listed_value
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release.gate import rechecking
from server.release.guard.allowlists import entered
from server.release.hub import Hub
from server.store import audit
from server.store.allowlist import entries
from server.store.allowlist.entries import AllowlistEntry
from server.store.database.engine import Tx
from server.store.proposals.proposals import Effect


def enter(hub: Hub, tx: Tx, entry: AllowlistEntry) -> AllowlistEntry:
    """Store an entry, and delist its value; the values at hosts below it are left to a job. Raises
    ``TooManyEntries``.
    """
    entries.put(tx, entry)
    rechecking.hold_harmless(hub, tx, [entry.subject])
    if entry.below:
        rechecking.begin(tx)
    return entry


def _entry(arguments: Arguments) -> AllowlistEntry:
    days = arguments["days"]
    return entered.entry_of(
        str(arguments["value"]),
        str(arguments["reason"]),
        str(arguments["by"]),
        days=None if days is None else int(days),
        below=bool(arguments["below"]),
    )


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the value that is delisted. Raises ``BadEntry``."""
    entry = _entry(arguments)
    kind, _, value = entry.subject.partition(":")
    does = "allowlist-entry-below" if entry.below else "allowlist-entry"
    return Effects(
        [Effect(does, {"kind": kind, "value": value})], [entry.subject, entry.below], [listed_value(tx, entry.subject)]
    )


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    entry = enter(hub, tx, _entry(arguments))
    kind, _, value = entry.subject.partition(":")
    audit.record_act(tx, signatures.confirmed_by, "ADD", "allowlist")
    return [Effect("allowlist-entry", {"kind": kind, "value": value})]


def _finish(hub: Hub) -> Sequence[Effect]:
    rechecking.run(hub)
    return []


ENTER = DualControlAction("enter-harmless", _effects, _carry_out, finish=_finish)
