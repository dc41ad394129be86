"""The accounts of a provider that others report: found, and with the facts of their listings."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import orjson

from mappers import extension
from schemas.partner import Partner, institution_keys, provider_keys
from schemas.reference.local_form import local_form
from schemas.vocabulary import QualificationCode
from server.features.lookups import queries
from server.store import collections, listings, log
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.providers import kept_accounts
from server.store.providers.kept_accounts import AccountFilter, AccountOrder, KeptAccount, KeptPlace, PlacedAccount

SECOND = 1_000_000
MICROSECOND = timedelta(microseconds=1)
_LAST_DIGITS = 4
_LENGTH_OF_BASIS = 32
# Accounts that one page looks at, if few of them match, and those looked at together.
_MOST_SEEN, _AT_ONCE = 2_000, 200


class ReportedAccount(NamedTuple):
    """An account of the partner that others report, with its present listing; moments in microseconds.

    ``number`` distinguishes it from other accounts of the institution ``at``. ``seconds_left`` is negative once the
    finding is late.
    """

    listing: str
    kind: str
    at: str
    number: str
    kept: KeptAccount
    seconds_left: float
    context: dict[str, Any]

    @property
    def beginning(self) -> str:
        """Return the number without its last digits, as its country writes it."""
        return self._written[0]

    @property
    def end(self) -> str:
        """Return the last digits, which people compare."""
        return self._written[1]

    @property
    def _written(self) -> tuple[str, str]:
        written = local_form(self.kind, self.value)
        digits = [place for place, letter in enumerate(written) if letter.isalnum()]
        start = digits[-_LAST_DIGITS] if len(digits) > _LAST_DIGITS else 0
        return written[:start], written[start:]

    @property
    def code(self) -> QualificationCode | None:
        """Return the last finding, if any."""
        return QualificationCode(self.kept.code) if self.kept.code else None

    @property
    def value(self) -> str:
        """Return the value in its normal form."""
        return self.kept.subject.partition(":")[2]


def basis_of(account: ReportedAccount) -> str:
    """Return a digest of an account as it is now, by which a finding is only sent about what was shown."""
    state = [account.listing, list(account.kept), account.context]
    return hashlib.sha256(orjson.dumps(state, option=orjson.OPT_SORT_KEYS)).hexdigest()[:_LENGTH_OF_BASIS]


class AccountSearch(NamedTuple):
    """The search: accounts of the filter, of an institution of the partner, and with a reference.

    The reference is the partner's own, or one that a reporter lets the partner read.
    """

    wanted: AccountFilter = AccountFilter()
    institution: str = ""
    reference: str = ""


# The orders of the list besides the usual one, which is by time.
ORDERS: Mapping[str, tuple[AccountOrder, bool]] = MappingProxyType(
    {"reverse": ("time", True), "account": ("value", False), "finding": ("finding", False)}
)


def filter_of(target: int, *, answered: bool, overdue: bool, age: int, order: str) -> AccountFilter:
    """Return the filter of a list; ``age`` is the time since the report at least, 0 for any (microseconds).

    With ``overdue``, only accounts whose finding is or was later than ``target`` (microseconds). ``order`` is one of
    ``ORDERS``; any other text is the usual one.
    """
    by, is_reverse = ORDERS.get(order, ("time", False))
    waited = max(age, target) if overdue and not answered else age
    return AccountFilter(
        answered=answered,
        before=now() - waited if waited else None,
        slower=target if overdue and answered else None,
        reverse=is_reverse,
        by=by,
    )


class FoundAccounts(NamedTuple):
    """A page of found accounts; ``following`` is the place to go on from, None at the end."""

    accounts: list[KeptAccount]
    following: KeptPlace | None


def search(tx: Tx, partner: Partner, asked: AccountSearch, after: KeptPlace | None, most: int) -> FoundAccounts:
    """Return at most ``most`` accounts after a place, and look at a bounded number of others."""
    is_plain = not asked.institution and not asked.reference
    found: list[PlacedAccount] = []
    for _ in range(_MOST_SEEN // _AT_ONCE):
        at_once = most + 1 - len(found) if is_plain else _AT_ONCE
        page = kept_accounts.page(tx, partner.name, asked.wanted, after=after, limit=at_once)
        found += page if is_plain else _matching(tx, partner, asked, page)
        if len(found) > most:
            return FoundAccounts([kept for kept, _ in found[:most]], found[most - 1][1])
        if len(page) < at_once:
            return FoundAccounts([kept for kept, _ in found], None)
        after = page[-1][1]
    return FoundAccounts([kept for kept, _ in found], after)


def _matching(tx: Tx, partner: Partner, asked: AccountSearch, page: Sequence[PlacedAccount]) -> list[PlacedAccount]:
    if asked.institution:
        keys = institution_keys(asked.institution)
        page = [one for one in page if not keys.isdisjoint(provider_keys(*_kind_and_value(one[0])))]
    if not asked.reference:
        return list(page)
    wanted = asked.reference.casefold()
    contexts = readable_contexts(tx, partner, [kept.subject for kept, _ in page])
    return [
        (kept, place)
        for kept, place in page
        if (kept.reference or "").casefold() == wanted
        or any(str(context.get("reference", "")).casefold() == wanted for context in contexts.get(kept.subject, ()))
    ]


def readable_contexts(tx: Tx, partner: Partner, subjects: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
    """Return, by value, what the listings in all collections that the partner reads say."""
    found = queries.known(tx, subjects, (), queries.readable_logs(tx, partner.name)).bodies
    return {
        subject: [extension.context_of(msgspec.json.decode(one.body)) for one in bodies]
        for subject, bodies in found.items()
    }


def own_account(tx: Tx, partner: Partner, listing: str) -> KeptAccount | None:
    """Return the partner's account with that listing, now or before; None for another's and for an unknown one."""
    subject = listings.subjects(tx, [listing]).get(listing)
    if subject is None or listing not in listings.find(tx, [subject])[subject].get(_track(partner), ()):
        return None
    found = kept_accounts.find(tx, partner.name, every=True, values=[subject])
    return next((kept for kept in found if kept.left is None), None)


def present_accounts(tx: Tx, partner: Partner, subjects: Iterable[str], target: int) -> list[ReportedAccount]:
    """Return those of these values that are listed for the partner now."""
    wanted = set(subjects)
    found = kept_accounts.find(tx, partner.name, every=True, values=wanted, limit=len(wanted) or 1)
    return with_listings(tx, partner, [kept for kept in found if kept.left is None], target)


def with_listings(tx: Tx, partner: Partner, found: Iterable[KeptAccount], target: int) -> list[ReportedAccount]:
    """Return accounts with their listings in the partner's own collection."""
    found = list(found)
    tracks = listings.find(tx, {kept.subject for kept in found})
    ids = {kept.subject: known[-1] for kept in found if (known := tracks.get(kept.subject, {}).get(_track(partner)))}
    collection = collections.find_private(tx, partner.name, "accounts")
    items = log.latest(tx, collection, ids.values()) if collection is not None else {}
    at = now()
    accounts = []
    for kept in found:
        listing = ids.get(kept.subject, "")
        kind, value = _kind_and_value(kept)
        place, _, number = value.rpartition(":")
        item = items.get(listing)
        obj = msgspec.json.decode(item.body) if item is not None else {}
        context = dict(extension.context_of(obj))
        if "valid_until" in obj:
            context["valid_until"] = obj["valid_until"]
        left = (kept.since + target - (kept.answered or at)) / SECOND
        accounts.append(ReportedAccount(listing, kind, place, number, kept, left, context))
    return accounts


def _kind_and_value(kept: KeptAccount) -> tuple[str, str]:
    kind, _, value = kept.subject.partition(":")
    return kind, value


def _track(partner: Partner) -> str:
    return listings.track_of_provider(partner.name)
