"""Find what is due for each person, and store one mail for all of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from server.features.reminders import choices, due, outbox
from server.features.reminders.choices import Choices
from server.features.reminders.due import DueItem, DueTimes
from server.features.reminders.kinds import Reminder, for_right
from server.operations.rights import right_of
from server.store import Store, partners
from server.store.database.engine import Tx
from server.store.operators import users
from server.store.operators.users import User

# The pages of single objects that a mail names of each reminder.
_MOST_PAGES = 5


def store_due(store: Store, times: DueTimes, at: int) -> int:
    """Store a mail for each person for whom something new is due; return the number.

    What a person finds in a mail, and that the person was told, are stored in one transaction.
    """
    at -= due.SETTLING
    with store.read() as tx:
        wanted = _due_mails(tx, times, at)
    made = 0
    for user, content in wanted:
        with store.begin(in_passing=True) as tx:
            if users.by_id(tx, user) is not None and outbox.put(tx, user, "digest", content, at):
                choices.store(tx, choices.find(tx, user)._replace(told=at))
                made += 1
    return made


def _due_mails(tx: Tx, times: DueTimes, at: int) -> list[tuple[str, dict[str, Any]]]:
    chosen, left = choices.all_choices(tx), partners.departed_partners(tx)
    by_party: dict[str | None, Sequence[DueItem]] = {}
    found = []
    for user in users.all_users(tx):
        mine = chosen.get(user.id, Choices(user.id))
        if choices.address_of(user, mine) is None or user.partner in left:
            continue
        if user.partner not in by_party:
            by_party[user.partner] = due.of_party(tx, user.partner, times, at)
        content = _content(user, mine, by_party[user.partner], at)
        if content is not None:
            found.append((user.id, content))
    return found


def _content(user: User, mine: Choices, items: Iterable[DueItem], at: int) -> dict[str, Any] | None:
    """Return the content of a person's mail, None if nothing is new since the last one."""
    wanted = {kind.name: kind for kind in wanted_by(user, mine)}
    by_reminder: dict[str, list[DueItem]] = defaultdict(list)
    for item in items:
        if item.reminder in wanted and item.since <= at and item.by != user.name:
            by_reminder[item.reminder].append(item)
    # A clock that was ahead told the person of a time that has not come.
    told = mine.told if mine.told <= at else at - outbox.HOUR
    if not any(item.since > told for some in by_reminder.values() for item in some):
        return None
    return {"due": {name: _summary(by_reminder[name]) for name in wanted if name in by_reminder}}


def wanted_by(user: User, mine: Choices) -> list[Reminder]:
    """Return the reminders that a person gets."""
    return [kind for kind in for_right(right_of(user)) if kind.mandatory or kind.name not in mine.off]


def _summary(items: Sequence[DueItem]) -> Mapping[str, Any]:
    """Return the number of the items, the first deadline, and the pages of the first ones."""
    is_cut = len(items) >= due.MOST
    # Of more items than were read, the first deadline is not known.
    deadlines = [] if is_cut else [item.due for item in items if item.due]
    first = sorted((item for item in items if item.path), key=lambda item: (item.due, item.path))
    pages = [item.path for item in first[:_MOST_PAGES]]
    return {"count": len(items), "more": is_cut, "first": min(deadlines, default=0), "pages": pages}
