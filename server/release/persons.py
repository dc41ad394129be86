"""Decide whether two names are two persons: accounts of one person, or handed to one person, count as one."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from schemas.text import look_alike, plain_name
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators import former, users
from server.store.operators.former import FormerIdentity
from server.store.operators.users import User

_DAY = 86_400 * 1_000_000


class SamePerson(StrEnum):
    """The reasons why two names count as one person, or may be one."""

    NAME = "same-name"
    ADDRESS = "same-address"
    LOGIN = "same-login"
    UNKNOWN = "unknown-address"
    NEW = "new-account"


# The pages have their own texts in each language.
MESSAGES: Mapping[SamePerson, str] = MappingProxyType(
    {
        SamePerson.NAME: "{first} proposed it: another person has to confirm it",
        SamePerson.ADDRESS: (
            "{first}, who proposed it, has the same e-mail address: you count as one person, and another "
            "person has to confirm it"
        ),
        SamePerson.LOGIN: (
            "{first}, who proposed it, has the same login at the OpenID Connect provider: you count as one "
            "person, and another person has to confirm it"
        ),
        SamePerson.UNKNOWN: (
            "{first} proposed it; one of you logs in by OpenID Connect, and one has no e-mail address here, "
            "so you may be the same person: scamfeed operator email NAME ADDRESS"
        ),
        SamePerson.NEW: (
            "{first} proposed it; within the last {days} days one of you added the other, or saw the other's "
            "link, or another person did both: a different person has to confirm it, or you later"
        ),
    }
)


def is_same_name(name: str, other: str) -> bool:
    """Compare two names of persons: names that people can confuse are the same."""
    return plain_name(name) == plain_name(other) or look_alike(name, other)


class Identity(NamedTuple):
    """All that identifies a person: accounts, names in comparable form, digests of addresses and of subjects."""

    account: str
    names: frozenset[str]
    addresses: frozenset[str]
    subjects: frozenset[str]

    def written(self) -> Mapping[str, Any]:
        """Return it in the form stored with a proposal."""
        return {name: value if isinstance(value, str) else sorted(value) for name, value in self._asdict().items()}

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Self:
        """Read the form that ``written`` returned."""
        return cls(written["account"], *(frozenset(written[name]) for name in cls._fields[1:]))


def identity_of(user: User, kept: Iterable[FormerIdentity]) -> Identity:
    """Return what identifies a user now, and did within the last year; ``kept`` is what ``former.kept`` returns.

    A removed account with the same name, address or subject counts as the same user.
    """
    own = FormerIdentity(user.id, user.plain_name, former.digest(user.email), former.digest(user.subject))
    known = [own]
    for was in kept:
        is_same_address = was.address is not None and was.address == own.address
        is_same_subject = was.subject is not None and was.subject == own.subject
        if was.account == own.account or was.plain_name == own.plain_name or is_same_address or is_same_subject:
            known.append(was)
    addresses = frozenset(was.address.hex() for was in known if was.address is not None)
    subjects = frozenset(was.subject.hex() for was in known if was.subject is not None)
    return Identity(user.id, frozenset(was.plain_name for was in known), addresses, subjects)


def same_person(tx: Tx, name: str, other: str, days: int, *, stored: Identity | None = None) -> SamePerson | None:
    """Return why two names count as one person, None for two persons; an account is new for ``days``.

    ``stored`` is the first person's identity at the time of the proposal. Names without an operator account are
    compared only as names: at the command line anybody may sign.
    """
    if is_same_name(name, other) or (stored is not None and plain_name(other) in stored.names):
        return SamePerson.NAME
    second = _operator(tx, other)
    if second is None:
        return None
    first, kept = _operator(tx, name), former.kept(tx)
    own = identity_of(second, kept)
    if stored is not None and (reason := _same_identity(stored, own)):
        return reason
    return _same_operators(tx, first, second, days, kept) if first is not None else None


def is_one_person(tx: Tx, name: str, other: str) -> bool:
    """Return whether two users are, or were, one person: by name, address or login at the provider."""
    if is_same_name(name, other):
        return True
    first, second, kept = users.find(tx, name), users.find(tx, other), former.kept(tx)
    if first is None or second is None:
        return False
    return _same_identity(identity_of(first, kept), identity_of(second, kept)) is not None


def _same_operators(tx: Tx, first: User, second: User, days: int, kept: Sequence[FormerIdentity]) -> SamePerson | None:
    """Return why two operators count as one person, by their present and former identities."""
    if is_same_name(first.name, second.name):
        return SamePerson.NAME
    reason = _same_identity(identity_of(first, kept), identity_of(second, kept))
    return reason or _same_accounts(tx, first, second, days)


def _same_identity(known: Identity, own: Identity) -> SamePerson | None:
    if known.account == own.account or known.names & own.names:
        return SamePerson.NAME
    if known.addresses & own.addresses:
        return SamePerson.ADDRESS
    return SamePerson.LOGIN if known.subjects & own.subjects else None


def same_persons(tx: Tx, name: str, days: int) -> list[str]:
    """Return the names of all operators that count as one person with ``name``, itself included."""
    own = _operator(tx, name)
    if own is None:
        return [name]
    operators, kept = [user for user in users.all_users(tx) if user.partner is None], former.kept(tx)
    return [user.name for user in operators if _same_operators(tx, own, user, days, kept)]


def _operator(tx: Tx, name: str) -> User | None:
    found = users.find(tx, name)
    return found if found is not None and found.partner is None else None


def _same_accounts(tx: Tx, first: User, second: User, days: int) -> SamePerson | None:
    is_known = first.email is not None and second.email is not None
    # Between two local accounts, or two at the provider, names distinguish persons: one person has one account there.
    if not is_known and (first.subject is None) != (second.subject is None):
        return SamePerson.UNKNOWN
    since = now() - days * _DAY
    return SamePerson.NEW if _hands(tx, first, since) & _hands(tx, second, since) else None


def _hands(tx: Tx, account: User, since: int) -> set[str]:
    """Return the plain names of the operators that may hold an account: its own, and its recent creators."""
    given = [account.created_by] if account.created > since else []
    if account.link_shown_to is not None and (account.link_made or 0) > since:
        given.append(account.link_shown_to)
    # Names without an operator account do not count: a hub's first commands run in the name of the machine's user.
    return {account.plain_name} | {found.plain_name for name in given if (found := _operator(tx, name)) is not None}
