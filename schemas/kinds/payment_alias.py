"""Payment aliases: names that a payment system takes in place of an account number."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import ClassVar
from urllib.parse import unquote

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, PAID, Kind, Normal, ValueExample
from schemas.reference.aliases import qr_code, systems
from schemas.reference.aliases.forms import AliasForm
from schemas.reference.aliases.systems import SYSTEMS, PaymentSystem
from schemas.reference.examples import payment_alias as examples
from schemas.reference.numbers import is_card, plain, refuse_spreadsheet_number
from schemas.vocabulary import Action, Tlp

_LONGEST = 600
_OWN = re.compile(rf"(?:{'|'.join(map(re.escape, SYSTEMS))}):\S.*", re.IGNORECASE)
_CASHTAG = re.compile(r"\$[A-Za-z][A-Za-z0-9]{0,19}")
_VPA = re.compile(r"[A-Za-z0-9.\-_]{2,256}@([A-Za-z][A-Za-z0-9]{2,64})")


class PaymentAlias(Kind):
    """A telephone number, address, handle or registered number that leads to an account in one payment system.

    The normal form is ``system:alias``, as ``promptpay:+66812345678``: the same alias leads to another account in
    another system. A person's number in a national register is personal data beyond an account number; its reports are
    marked TLP:AMBER+STRICT at the widest.
    """

    name: ClassVar[str] = "payment-alias"
    title: ClassVar[Mapping[str, str]] = {"en": "Payment alias", "th": "บัญชีรับเงินแบบนามแฝง"}
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
        text = plain(raw)
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

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` names its system, or has a form that only one system has."""
        text = raw.strip()
        if _OWN.fullmatch(text) or _CASHTAG.fullmatch(text) or text[:6].lower() == "upi://" or qr_code.is_payload(text):
            return True
        return _evident(text) is not None

    def widest_tlp(self, normal: Normal) -> Tlp:
        """Return TLP:AMBER+STRICT for the number of a person in a national register."""
        name, _, alias = normal.value.partition(":")
        personal = (form for form in SYSTEMS[name].forms if form.personal)
        return Tlp.AMBER_STRICT if any(_reads(form, alias) for form in personal) else Tlp.CLEAR

    def examples(self) -> Iterable[ValueExample]:
        """Return published example numbers in the systems' forms, in several spellings, and refused values."""
        return examples.every()


def _named(name: str) -> PaymentSystem:
    """Return the system that a column names. Raises ``Rejected`` with the names nearest to it."""
    if (system := systems.find(plain(name))) is not None:
        return system
    near = get_close_matches(name.strip().lower(), SYSTEMS, n=3)
    hint = f"; perhaps {' or '.join(near)} is meant" if near else ""
    raise Rejected("system-unknown", f"unknown payment system{hint}")


def _parted(text: str, column: PaymentSystem | None) -> tuple[PaymentSystem | None, str]:
    """Return the system that a value itself names, None if it names none, and the alias in it."""
    if qr_code.is_payload(text):
        name, alias = qr_code.read(text)
        return SYSTEMS[name], alias
    if found := systems.read_link(text):
        return found[0], unquote(found[1])
    if (found := systems.split_system_and_alias(text)) and (column is None or found[0] is column or ":" in text):
        return found
    return None, text


def _evident(text: str) -> PaymentSystem | None:
    """Return the system whose aliases alone have this form, None if there is no such system."""
    if _CASHTAG.fullmatch(text):
        return SYSTEMS["cashapp"]
    if (vpa := _VPA.fullmatch(text)) and vpa[1].lower() in systems.UPI_HANDLES:
        return SYSTEMS["upi"]
    return None


def _read(system: PaymentSystem, alias: str) -> str:
    """Return the normal form of an alias of ``system``. Raises ``Rejected``."""
    if is_card(re.sub(r"[\s-]", "", alias)):
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
        return found.pop()
    if refusals:
        raise refusals[0]
    raise Rejected(
        "alias-form", f"no alias of {system.name}: it has {'; or '.join(form.description for form in system.forms)}"
    )


def _reads(form: AliasForm, alias: str) -> bool:
    """Return True if the form reads the alias."""
    try:
        return form.read(alias) is not None
    except Rejected:
        return False
