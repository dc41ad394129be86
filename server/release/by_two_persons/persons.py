"""Whether two names are two persons: accounts of one person, and those that one was handed, are one."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from schemas.text import plain_name
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators import users
from server.store.operators.users import User

_DAY = 86_400 * 1_000_000


class SamePerson(StrEnum):
    """The reasons why two names count as one person, or may be one."""

    NAME = "same-name"
    ADDRESS = "same-address"
    UNKNOWN = "unknown-address"
    NEW = "new-account"


# The pages have their own, in each language.
MESSAGES: Mapping[SamePerson, str] = MappingProxyType(
    {
        SamePerson.NAME: "{first} proposed it: somebody else has to confirm it",
        SamePerson.ADDRESS: (
            "{first}, who proposed it, has the same e-mail address: you are one person, and somebody else has to "
            "confirm it"
        ),
        SamePerson.UNKNOWN: (
            "{first} proposed it; one of you logs in by OpenID Connect, and one has no e-mail address here, so that "
            "you may be one person: scamfeed operator email NAME ADDRESS"
        ),
        SamePerson.NEW: (
            "{first} proposed it; within {days} days one of you added the other, or was shown the other's link, or "
            "somebody else did both: another person has to confirm it, or you later"
        ),
    }
)


def is_same_name(name: str, other: str) -> bool:
    """Compare two names of persons: letter case, spaces, widths and characters that nobody sees make no difference."""
    return plain_name(name) == plain_name(other)


def same_person(tx: Tx, name: str, other: str, days: int) -> SamePerson | None:
    """Return why two names count as one person, None for two; an account is new for so many ``days``.

    Names that no operator has are known as names alone: at the command line anybody may sign.
    """
    if is_same_name(name, other):
        return SamePerson.NAME
    pair = [_operator(tx, given) for given in (name, other)]
    accounts = [found for found in pair if found is not None]
    return _same_accounts(tx, accounts[0], accounts[1], days) if len(accounts) == len(pair) else None


def same_persons(tx: Tx, name: str, days: int) -> list[str]:
    """Return the names of all operators that count as one person with ``name``, itself included."""
    own = _operator(tx, name)
    if own is None:
        return [name]
    operators = [user for user in users.all_users(tx) if user.partner is None]
    return [user.name for user in operators if user.id == own.id or _same_accounts(tx, own, user, days)]


def _operator(tx: Tx, name: str) -> User | None:
    found = users.find(tx, name)
    return found if found is not None and found.partner is None else None


def _same_accounts(tx: Tx, first: User, second: User, days: int) -> SamePerson | None:
    if first.email is not None and first.email == second.email:
        return SamePerson.ADDRESS
    is_known = first.email is not None and second.email is not None
    # Of two local accounts, or two of the provider, the names say who is who: one person has one there.
    if not is_known and (first.subject is None) != (second.subject is None):
        return SamePerson.UNKNOWN
    since = now() - days * _DAY
    return SamePerson.NEW if _hands(tx, first, since) & _hands(tx, second, since) else None


def _hands(tx: Tx, account: User, since: int) -> set[str]:
    """Return the plain names of the operators that may hold an account: its own, and whose it came from lately."""
    given = [account.created_by] if account.created > since else []
    if account.link_shown_to is not None and (account.link_made or 0) > since:
        given.append(account.link_shown_to)
    # Whoever is no operator has no hand here: the commands that begin a hub are in the name of the machine's user.
    return {account.plain_name} | {found.plain_name for name in given if (found := _operator(tx, name)) is not None}
