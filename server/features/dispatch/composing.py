"""Make mails of reports: the values of one addressee in one mail, at a bounded rate, and those due for approval."""

from server.features.dispatch import outbox, records
from server.features.dispatch.outbox import DispatchMail
from server.features.dispatch.planning import find_facts
from server.features.dispatch.records import Dispatch
from server.settings import Settings
from server.store import Store
from server.store.database.engine import Tx

_DAY = 86_400_000_000
_AT_ONCE = 100
# Values of one mail.
MOST_VALUES = 50


def compose(store: Store, settings: Settings, at: int) -> int:
    """Make the mails that may be made now, each in its transaction; return their number."""
    with store.read() as tx:
        addresses = records.waiting_addresses(tx, _AT_ONCE)
    made = 0
    for address in addresses:
        with store.begin(in_passing=True) as tx:
            made += _compose(tx, settings, address, at)
    return made


def _compose(tx: Tx, settings: Settings, address: str, at: int) -> bool:
    known = outbox.contact(tx, address)
    if known is not None and known.state != "good":
        for row in records.ready(tx, address, MOST_VALUES):
            records.change(tx, row, state=known.state, form=known.form or row.form)
        return False
    last = outbox.last_made(tx, address)
    is_first = last is None or last > at
    pause = int(settings.dispatch_combine.total_seconds() * 1_000_000)
    if last is not None and at - pause < last <= at:
        return False
    if outbox.made_since(tx, address, at - _DAY) >= settings.dispatch_per_day:
        return False
    rows = _still_listed(tx, settings, records.ready(tx, address, 1 if is_first else MOST_VALUES), at)
    if not rows:
        return False
    waits = outbox.approved(tx) < settings.dispatch_approvals
    mail = DispatchMail(
        id=records.mail_id(tx, "report", rows),
        purpose="report",
        address=address,
        country=rows[0].country,
        follows=None,
        about=None,
        made=at,
        state="approval" if waits else "waiting",
        next=at,
    )
    outbox.put(tx, mail)
    for row in rows:
        records.change(tx, row, state="mailed", mail=mail.id)
    return True


def _still_listed(tx: Tx, settings: Settings, rows: list[Dispatch], at: int) -> list[Dispatch]:
    """Return the reports whose listing may still be disclosed, and end the others."""
    kept = []
    for row in rows:
        found = find_facts(tx, row.subject, settings.dispatch_collection, at)
        if found is not None and found.listing == row.listing:
            kept.append(row)
        else:
            records.change(tx, row, state="ended")
    return kept
