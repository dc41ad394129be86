"""The JSON about an account that others report, for the institution that holds it."""

import msgspec


class AccountHold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The money to hold, all of it without an ``amount``; the hold ends at ``until``."""

    until: str
    amount: str | None = None
    currency: str | None = None


class NumberBand(msgspec.Struct, frozen=True, omit_defaults=True):
    """A band of numbers: ``at_least``, and ``at_most`` unless it is open."""

    at_least: int
    at_most: int | None = None


class AmountBand(msgspec.Struct, frozen=True, omit_defaults=True):
    """A band of amounts in a currency: ``at_least``, and less than ``below`` unless it is open."""

    currency: str
    at_least: str
    below: str | None = None


class PaymentFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The payments to the account that ``organisations`` report, in bands.

    ``first`` and ``last`` are months, and days once three organisations report payments. ``complete`` is false if
    there were too many reports to read all.
    """

    organisations: int
    payments: NumberBand
    amounts: tuple[AmountBand, ...] = ()
    first: str | None = None
    last: str | None = None
    complete: bool = True


class AccountEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reported account, by when a finding is due, and the last finding; times are as STIX writes them.

    ``reference`` is the provider's own. ``first_seen`` to ``reporter_kinds`` are of all reports, without names.
    """

    listing: str
    kind: str
    value: str
    since: str
    due: str
    late: bool
    code: str | None = None
    answered: str | None = None
    reference: str | None = None
    grade: str | None = None
    disputed: bool = False
    scam_type: str | None = None
    first_seen: str | None = None
    last_seen: str | None = None
    reporters: int | None = None
    reporter_kinds: tuple[str, ...] = ()


class AccountFacts(AccountEntry, frozen=True, kw_only=True, omit_defaults=True):
    """The facts to decide by. ``withheld`` names those that no contributor gives, or lets the provider read.

    ``evidence`` are SHA-256 hashes. ``case_references`` are those of reporters whose limits let the provider read them.
    """

    scam_types: tuple[str, ...] = ()
    channel: str | None = None
    payment_rail: str | None = None
    countries: tuple[str, ...] = ()
    valid_until: str | None = None
    hold: AccountHold | None = None
    payments: PaymentFacts | None = None
    evidence: tuple[str, ...] = ()
    case_references: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()


class AccountList(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page of accounts; ``next`` leads to the next page, and is missing on the last."""

    accounts: list[AccountEntry]
    next: str | None = None
