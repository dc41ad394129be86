"""Payment aliases: names that a payment system takes in place of an account number."""

import re
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import ClassVar
from urllib.parse import unquote

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, PAID, Kind, Normal
from schemas.reference import telephone
from schemas.reference.aliases import (
    SYSTEMS,
    UPI_HANDLES,
    AliasForm,
    PaymentSystem,
    find_system,
    read_link,
    split_system_and_alias,
)
from schemas.reference.numbers import has_card, plain, refuse_spreadsheet_number
from schemas.reference.payment_qr import is_qr_code, pays_account, read_qr_code
from schemas.vocabulary import Action, Tlp

_LONGEST = 600
_OWN = re.compile(rf"(?:{'|'.join(map(re.escape, SYSTEMS))}):\S.*", re.IGNORECASE)
_CASHTAG = re.compile(r"\$[A-Za-z][A-Za-z0-9]{0,19}")
# Links that open an app for UPI with the payee in it.
_APP_LINK = re.compile(
    r"(?:upi|tez|phonepe|paytm(?:mp)?|gpay|bhim|credpay|mobikwik)://[^?]*\?(?:.*&)?pa=", re.IGNORECASE
)
_VPA = re.compile(r"[A-Za-z0-9.\-_]{2,256}@([A-Za-z][A-Za-z0-9]{2,64})")


class PaymentAlias(Kind):
    """A telephone number, address, handle or registered number that leads to an account in one payment system.

    The normal form is ``system:alias``, as ``promptpay:+66812345678``: the same alias leads to another account in
    another system. A person's number in a national register is personal data beyond an account number; its reports are
    marked TLP:AMBER+STRICT at the widest.
    """

    name: ClassVar[str] = "payment-alias"
    title: ClassVar[Mapping[str, str]] = {"en": "Payment alias", "th": "พร้อมเพย์หรืออีวอลเล็ต"}
    time_to_live: ClassVar[timedelta] = timedelta(days=90)
    columns: ClassVar[Mapping[str, str]] = {
        "system": "payment system whose alias it is (promptpay, upi, pix, paynow, …), where the value does not say so"
    }
    account: ClassVar[bool] = True
    collection: ClassVar[str] = "mule-accounts"
    grades: ClassVar[tuple[Action, ...]] = PAID
    single_report_grade: ClassVar[Action] = Action.HOLD

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return system and alias. The column, a word in front, a link or a QR code names the system."""
        text = raw.strip() if is_qr_code(raw.strip()) else plain(raw)
        if len(text) > _LONGEST:
            raise Rejected("alias-form", "far longer than any alias; give the alias alone")
        column = _named(given["system"]) if given.get("system") else None
        system, alias = _parted(text, column)
        refuse_spreadsheet_number(alias)
        if system is not None and column is not None and system is not column:
            raise Rejected("system-conflict", "the value and the system column name two systems; report each by itself")
        system = system or column or _evident(alias)
        if system is None:
            raise Rejected(
                "system-missing",
                "an alias alone may be anybody's in another system: name the system (a system column, or in front, as "
                "promptpay: or upi:)",
            )
        return Normal(f"{system.name}:{_read(system, alias)}")

    def country_of(self, value: str) -> str:
        """Return the country of the system, where it serves one alone; else that of a telephone number."""
        name, _, alias = value.partition(":")
        countries = {form.country for form in SYSTEMS[name].forms if form.country} if name in SYSTEMS else set[str]()
        return countries.pop() if len(countries) == 1 else telephone.country_of(alias)

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` names its system, or has a form that only one system has."""
        text = raw.strip()
        if is_qr_code(text):
            return not pays_account(text)
        if _OWN.fullmatch(text) or _CASHTAG.fullmatch(text) or _APP_LINK.match(text):
            return True
        return _evident(text) is not None

    def other_kind(self, raw: str) -> str:
        """Return ``bank-account`` for a QR code that pays an account."""
        return "bank-account" if pays_account(raw.strip()) else ""

    def widest_tlp(self, normal: Normal) -> Tlp:
        """Return TLP:AMBER+STRICT for the number of a person in a national register."""
        name, _, alias = normal.value.partition(":")
        personal = (form for form in SYSTEMS[name].forms if form.personal)
        return Tlp.AMBER_STRICT if any(_reads(form, alias) for form in personal) else Tlp.CLEAR


def _named(name: str) -> PaymentSystem:
    """Return the system that a column names. Raises ``Rejected`` with the names nearest to it."""
    if (system := find_system(plain(name))) is not None:
        return system
    near = get_close_matches(name.strip().lower(), SYSTEMS, n=3)
    hint = f"; perhaps {' or '.join(near)} is meant" if near else ""
    raise Rejected("system-unknown", f"unknown payment system{hint}")


def _parted(text: str, column: PaymentSystem | None) -> tuple[PaymentSystem | None, str]:
    """Return the system that a value itself names, None if it names none, and the alias in it."""
    if is_qr_code(text):
        payee = read_qr_code(text)
        if not payee.system:
            raise Rejected("qr-of-account", "this code pays a bank account: report it as one (bank-account)")
        return SYSTEMS[payee.system], payee.name
    if found := read_link(text):
        return found[0], unquote(found[1])
    if (found := split_system_and_alias(text)) and (column is None or found[0] is column or ":" in text):
        return found
    return None, text


def _evident(text: str) -> PaymentSystem | None:
    """Return the system whose aliases alone have this form, None if there is no such system."""
    if _CASHTAG.fullmatch(text):
        return SYSTEMS["cashapp"]
    if (vpa := _VPA.fullmatch(text)) and vpa[1].lower() in UPI_HANDLES:
        return SYSTEMS["upi"]
    return None


def _read(system: PaymentSystem, alias: str) -> str:
    """Return the normal form of an alias of ``system``. Raises ``Rejected``."""
    # One national identity number in ten that begins with a 4 has a card's check digit too.
    if has_card(alias) and not any(form.verified and _reads(form, alias) for form in system.forms):
        raise Rejected("card-number", "this is the number of a payment card: cards are never taken, delete the row")
    found: set[str] = set()
    refusals = []
    for form in system.forms:
        try:
            if (read := form.read(alias)) is not None:
                found.add(read)
        except Rejected as refusal:
            refusals.append(refusal)
    if len(found) > 1:
        possible = " or ".join(form.description for form in system.forms if _reads(form, alias))
        raise Rejected(
            "alias-ambiguous",
            f"may be {possible}: write a telephone number with + and its country code, any other with the "
            "marks it is printed with",
        )
    if found:
        return _not_shared(system, found.pop())
    if refusals:
        raise refusals[0]
    raise Rejected(
        "alias-form", f"no alias of {system.name}: it has {'; or '.join(form.description for form in system.forms)}"
    )


def _not_shared(system: PaymentSystem, alias: str) -> str:
    """Return the alias. Raises ``Rejected`` for one through which an institution collects for many payees."""
    if system.shared is not None and system.shared.fullmatch(alias):
        raise Rejected(
            "alias-shared",
            "an institution collects for many payees through this alias, so that it identifies none: report the "
            "account or alias of the payee alone, which the receipt of the payment or that institution names",
        )
    return alias


def _reads(form: AliasForm, alias: str) -> bool:
    """Return True if the form reads the alias."""
    try:
        return form.read(alias) is not None
    except Rejected:
        return False
