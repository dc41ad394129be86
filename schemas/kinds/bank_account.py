"""Bank accounts: by IBAN, else by number and bank, never by number alone."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import ClassVar, NamedTuple

from schwifty import BIC
from schwifty.exceptions import SchwiftyException

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, PAID, Kind, Normal
from schemas.reference import iban
from schemas.reference.account_numbers import (
    COUNTRIES,
    NationalAccount,
    account_key,
    bank_by_code_or_name,
    canonical_account,
    check_length,
    country_of_code,
    fitted_number,
    fullest_account,
    national_account,
    self_contained,
    split_code_and_number,
)
from schemas.reference.bank_text import BIC_SHAPE, agreed_bank, find_bank, is_number_beside_bank, split_words_and_number
from schemas.reference.banks import FORMER_BICS, account_lengths
from schemas.reference.identity_numbers import refuse_persons_number
from schemas.reference.numbers import bare, compact, is_card, plain, refuse_spreadsheet_number
from schemas.reference.payment_qr import is_qr_code, pays_account, read_qr_code
from schemas.vocabulary import Action

# Countries where the form of a number shows the bank's code at its beginning, also in a column of numbers.
_CODE_IN_FRONT = frozenset({"", "AU", "BR", "GB", "IN", "US"})
# Fewest digits with the branch in front, for countries whose numbers repeat from branch to branch.
_WITH_BRANCH = {"JP": 10, "AU": 11, "CA": 12}

_NORMAL_FORM = re.compile(r"([A-Z]{2}):([A-Z0-9]{2,11}):([A-Z0-9][A-Z0-9 ./-]{3,50})")
# Words and ten digits or more: perhaps a bank's name and a number.
_WORDS_AND_DIGITS = re.compile(r"(?=.*[\s(])(?=.*[A-Za-zก-๛]{2})(?=(?:\D*\d){10})[^/@]+")


class BankAccount(Kind):
    """An account at a bank.

    The normal form is the IBAN, made from number and bank if the country's rule allows that, else
    ``COUNTRY:BANK:NUMBER``. The bank is its BIC of eight characters: a BIC of eleven names an office and gives the same
    account. If only the country's own code names the bank (a routing number, a sort code), that code is the bank. The
    branch precedes the number in countries where numbers repeat from branch to branch.
    """

    name: ClassVar[str] = "bank-account"
    title: ClassVar[Mapping[str, str]] = {"en": "Bank account", "th": "บัญชีธนาคาร"}
    time_to_live: ClassVar[timedelta] = timedelta(days=90)
    columns: ClassVar[Mapping[str, str]] = {
        "iban": "IBAN; with it the account number is not read, but a British or Irish number has to be part of it",
        "account_number": "the bank's own number of the account, or its IBAN",
        "bic": "BIC (SWIFT code) of the bank, 8 or 11 characters",
        "bank": "the bank, where its BIC is not given: its country's code (004, routing number, sort code, BSB, IFSC), "
        "symbol (KBANK), Thai or English name",
        "branch": "code of the branch, where a country's numbers repeat from branch to branch (Brazil, Japan)",
        "country": "ISO 3166-1 alpha-2 country of a bank that is given by its name or code",
    }
    account: ClassVar[bool] = True
    collection: ClassVar[str] = "mule-accounts"
    grades: ClassVar[tuple[Action, ...]] = PAID
    single_report_grade: ClassVar[Action] = Action.HOLD

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return the IBAN, with the bank's BIC if the report gives it; else country, bank and number."""
        columns = {name: plain(given[name]) for name in given if given[name] and name in self.columns}
        text = plain(raw)
        if not text and not columns.keys() & {"bank", "bic", "iban"} and _may_name_bank(columns):
            text = columns.pop("account_number", "")
        if is_qr_code(raw):
            payee = read_qr_code(raw)
            if payee.system:
                raise Rejected("qr-of-alias", "this code pays an alias and no account: report it as a payment-alias")
            columns["country"], columns["bank"], text = payee.name.split(":")
        if (
            BIC_SHAPE.fullmatch(named := compact(columns.get("bank", "")))
            and named[4:6] == columns.get("country", "").upper()
        ):
            columns.setdefault("bic", columns.pop("bank"))  # what people call the bank's code is its BIC
        bic = _bic8(columns["bic"]) if "bic" in columns else ""
        if found := _iban_in(text, columns):
            return _with_bic(_without_conflict(iban.checked(found), text, columns), bic)
        if normal_form := _NORMAL_FORM.fullmatch(text.upper()):
            country, bank, number = normal_form.groups()
            return _of_normal_form(country, bank, number, bic)
        return _numbered(text, columns, bic)

    def country_of(self, value: str) -> str:
        """Return the country of the bank."""
        return value[:2]

    def key(self, value: str) -> str:
        """Return the shortest name that follows from every name of an account: bank, branch and number."""
        return account_key(value)

    def other_kind(self, raw: str) -> str:
        """Return ``payment-alias`` for a payment QR code of one, and for a character that no account number has."""
        return "payment-alias" if "@" in raw or (is_qr_code(raw) and not pays_account(raw)) else ""

    def fullest(self, values: Iterable[str]) -> str:
        """Return the IBAN if it is among an account's names."""
        return fullest_account(values)

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` has the form of an IBAN or of our normal form.

        A number of ten digits or more beside the name of a Thai bank counts too, but not one beside a bank's code.
        """
        if len(raw) > 60:
            return pays_account(raw)
        if _WORDS_AND_DIGITS.fullmatch(raw) and is_number_beside_bank(raw):
            return True
        if raw not in (raw.upper(), raw.lower()):
            return False
        text = raw.upper()
        # With dots it may be a domain name.
        return _NORMAL_FORM.fullmatch(text) is not None or ("." not in text and iban.has_iban_form(compact(text)))


def _with_bic(value: str, bic: str) -> Normal:
    """Return the account of an IBAN, with the bank's BIC as a detail if the report gives it."""
    return Normal(value, {"bic": bic} if bic else NO_DETAILS)


def _of_normal_form(country: str, bank: str, written: str, bic: str) -> Normal:
    """Return the account that a text in our normal form names."""
    refuse_spreadsheet_number(written)
    if BIC_SHAPE.fullmatch(bank) is None and country in COUNTRIES:
        return _coded(country, agreed_bank(bic, bank_by_code_or_name(country, bank)), written, "")
    if account := self_contained(country, bare(written)):
        return _normal(country, account)
    if country != bank[4:6]:
        raise Rejected("bic-form", "the country in front is not the BIC's own (its 5th and 6th characters)")
    return _account(agreed_bank(bic, _bic8(bank)), written)


def _iban_in(text: str, columns: Mapping[str, str]) -> str:
    """Return the IBAN that value or columns contain, "" if there is none. Raises ``Rejected`` if they contain two."""
    value = compact(text)
    shaped = iban.looks_like_iban(value)
    if shaped and not iban.length(value[:2]) and columns.keys() & {"bank", "bic", "iban"}:
        shaped = False
    offered = {value} if shaped else set[str]()
    if "iban" in columns:
        offered.add(compact(columns["iban"]))
    # People put an IBAN where the account number goes.
    number = compact(columns.get("account_number", ""))
    if iban.has_iban_form(number):
        if "iban" not in columns and value.isdecimal() and value.lstrip("0") not in number:
            raise Rejected("account-conflict", "the value and the account_number column are two accounts; report each")
        offered.add(number)
    if len(offered) > 1:
        raise Rejected("iban-form", "value and columns have two different IBANs; report each by itself")
    return offered.pop() if offered else ""


def _without_conflict(found: str, text: str, columns: Mapping[str, str]) -> str:
    """Return ``found``, an IBAN. Raises ``Rejected`` if the sort code or number beside it is not the one in it.

    Compared for countries with sort codes only: elsewhere a bank may write its numbers otherwise than its IBANs do.
    """
    if found[:2] not in iban.SORT_CODE:
        return found
    bank, column, value = (bare(columns.get("bank", "")), bare(columns.get("account_number", "")), bare(text))
    numbers = {number.zfill(8) for number in (column, value) if re.fullmatch(r"\d{6,8}", number)}
    if (re.fullmatch(r"\d{6}", bank) and bank != found[8:14]) or numbers - {found[14:22]}:
        raise Rejected(
            "account-conflict",
            "the IBAN is another account's than sort code and number beside it; report the right one",
        )
    return found


@lru_cache(maxsize=4096)
def _bic8(text: str) -> str:
    """Return the BIC of the bank without its branch, the present one if the bank had another before."""
    bic = compact(text)
    try:
        if BIC_SHAPE.fullmatch(bic) is None:
            raise SchwiftyException
        BIC(bic)
    except SchwiftyException:
        raise Rejected(
            "bic-form", "not a BIC: 8 or 11 characters, of which the 5th and 6th are a country (ISO 9362)"
        ) from None
    return FORMER_BICS.get(bic[:8], bic[:8])


def _may_name_bank(columns: Mapping[str, str]) -> bool:
    """Return whether the column of account numbers may also name the bank, by its name or a clear code."""
    number = columns.get("account_number", "")
    return columns.get("country", "").upper() in _CODE_IN_FRONT or any(map(str.isalpha, number))


class _Stated(NamedTuple):
    """The number and bank of an account as a report states them, before any rule is applied."""

    text: str
    number: str
    country: str
    bic: str
    bank: str
    words: str
    branch: str


def _stated(text: str, columns: Mapping[str, str], bic: str) -> _Stated:
    """Return the number and bank that value and columns state. Raises ``Rejected`` for two different numbers."""
    bank = columns.get("bank", "")
    country = columns.get("country", "").upper() or bic[4:6] or country_of_code(bank)
    column = columns.get("account_number", "")
    if not bank and (code_and_number := split_code_and_number(country, text)):
        bank, text = code_and_number
        country = country or country_of_code(bank)
    words, number = split_words_and_number(text, country if bic or bank else "", alone=not bank and not bic)
    refuse_spreadsheet_number(column or number)
    if column and number and bare(number) != bare(column):
        raise Rejected("account-form", "the value and the account_number column are two different numbers; report each")
    return _Stated(text, column or number, country, bic, bank, words, columns.get("branch", ""))


def _numbered(text: str, columns: Mapping[str, str], bic: str) -> Normal:
    """Return the account of a number and a bank, which columns or the words beside the number name."""
    stated = _stated(text, columns, bic)
    number, country = bare(stated.number), stated.country
    if len(number) != _SHORT_CARD:  # whose bank decides
        _refuse_card(number)
    if account := self_contained(country, number):
        return _normal(country, account)
    if iban.length(country):
        refuse_persons_number(country, stated.bic, stated.number, number)
    if made := _made_iban(stated):
        return _with_bic(made, bic)
    if country not in COUNTRIES and iban.is_required(country):
        raise _iban_missing(country)
    banks = [find_bank(name, stated.number, country) for name in (stated.bank, stated.words) if name]
    bank = agreed_bank(bic, *banks)
    if not bank:
        _refuse_card(number)
        raise Rejected(
            "bank-missing",
            "the bank is missing: add its name, code or BIC",
        )
    if banks and country in COUNTRIES:
        return _coded(country, bank, stated.number, stated.branch)
    return _account(bank, stated.number, stated.branch)


def _made_iban(stated: _Stated) -> str | None:
    """Return the IBAN that the country's rule makes of number and bank, None if it makes none."""
    country, bic = stated.country, stated.bic
    if made := iban.from_codes(country, bare(stated.bank), bare(stated.branch), stated.number):
        return made
    sort_code = bare(stated.bank) if re.fullmatch(r"[\d -]{6,8}", stated.bank) else ""
    return iban.from_number(country, bic, sort_code, stated.number) or iban.from_number(country, bic, "", stated.text)


def _coded(country: str, bank: str, written: str, branch: str) -> Normal:
    """Return the account at a bank that was named by its country's code, or by its name."""
    number = bare(written)
    _refuse_card(number, bank)
    refuse_persons_number(country, bank, written, number)
    return _normal(country, national_account(country, bank, written, branch))


def _normal(country: str, account: NationalAccount) -> Normal:
    """Return the normal form of an account. Raises ``Rejected`` if its number is too short for its bank."""
    check_length(account.bank, account.number)
    return Normal(f"{country}:{account.bank}:{account.number}")


def _account(bic: str, written: str, branch: str = "") -> Normal:
    """Return the account at the bank with ``bic`` by its IBAN if the country requires that, else by number."""
    number = bare(written)
    _refuse_card(number, bic)
    country = bic[4:6]
    refuse_persons_number(country, bic, written, number)
    bank, number = canonical_account(country, bic, number)
    if bank != bic and BIC_SHAPE.fullmatch(bank) is None:
        return _coded(country, bank, written if number == bare(written) else number, branch)
    bic, number = bank, fitted_number(bank, number)
    check_length(bic, number)
    if country == "TH" and not (number.isdigit() and 10 <= len(number) <= 15):
        raise Rejected("account-form", "Thai account numbers have 10 to 15 digits and nothing else")
    if iban.is_required(country):
        if made := iban.from_number(country, bic, "", written):
            return _with_bic(made, bic)
        raise _iban_missing(country)
    if len(number) < _WITH_BRANCH.get(country, 0):
        raise Rejected(
            "account-form", "this country's numbers repeat from branch to branch: put the branch's code first"
        )
    if country == "AU":  # the BSB identifies the bank and its branch
        return _coded(country, number[:6], number[6:], "")
    if re.fullmatch(r"(?=(?:[A-Z]*\d){4})[A-Z0-9]{4,34}", number) is None:
        raise Rejected("account-form", "an account number has 4 to 34 letters and digits, 4 digits at least")
    return Normal(f"{country}:{bic}:{number}")


def _iban_missing(country: str) -> Rejected:
    hint = ", or the BIC and the sort code beside the number" if country in iban.SORT_CODE else ""
    return Rejected("iban-missing", f"accounts of this bank's country are known by their IBAN: give that{hint}")


# Cards with 13 digits are no longer issued, and some banks have account numbers of this length.
_SHORT_CARD = 13


def _refuse_card(number: str, bank: str = "") -> None:
    """Refuse the number of a payment card, which must never be shared: anyone who has it can spend with it.

    A number of 13 digits is an account number if the ``bank`` (a BIC) has account numbers of that length.
    """
    if is_card(number):
        exact, usual = account_lengths(bank) if len(number) == _SHORT_CARD else ((), 0)
        if _SHORT_CARD in (*exact, usual):
            return
        raise Rejected("card-number", "this is the number of a payment card: cards are never taken, delete the row")
