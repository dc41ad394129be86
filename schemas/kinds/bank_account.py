"""Bank accounts: by IBAN, else by number and bank, never by number alone."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import ClassVar, NamedTuple

from schwifty import BIC
from schwifty.exceptions import SchwiftyException

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, PAID, Kind, Normal, ValueExample
from schemas.reference.banks import account_numbers, accounts, iban, thai_banks
from schemas.reference.banks.recognition import (
    BIC_SHAPE,
    agreed_bank,
    find_bank,
    is_number_beside_bank,
    split_words_and_number,
)
from schemas.reference.examples import bank_account as examples
from schemas.reference.numbers import bare, compact, is_card, plain, refuse_spreadsheet_number
from schemas.vocabulary import Action

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
    branch stands in front of the number in countries where numbers repeat from branch to branch.
    """

    name: ClassVar[str] = "bank-account"
    title: ClassVar[Mapping[str, str]] = {"en": "Bank account", "th": "บัญชีธนาคาร"}
    time_to_live: ClassVar[timedelta] = timedelta(days=90)
    columns: ClassVar[Mapping[str, str]] = {
        "iban": "IBAN; where it is given, the account number counts for nothing; but a British or Irish one has to "
        "be in it",
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

    def key(self, value: str) -> str:
        """Return the shortest name that follows from every name of an account: bank, branch and number."""
        return accounts.key(value)

    def fullest(self, values: Iterable[str]) -> str:
        """Return the IBAN if it is among an account's names."""
        return accounts.fullest(values)

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` has the form of an IBAN or of our normal form.

        A number of ten digits or more beside the name of a Thai bank counts too, but not one beside a bank's code.
        """
        if len(raw) > 60:
            return False
        if _WORDS_AND_DIGITS.fullmatch(raw) and is_number_beside_bank(raw):
            return True
        if raw not in (raw.upper(), raw.lower()):
            return False
        text = raw.upper()
        # With dots it may be a domain name.
        return _NORMAL_FORM.fullmatch(text) is not None or ("." not in text and iban.has_iban_form(compact(text)))

    def examples(self) -> Iterable[ValueExample]:
        """Return the IBAN registry's examples and made-up numbers in several spellings, and refused values."""
        return examples.every()


def _with_bic(value: str, bic: str) -> Normal:
    """Return the account of an IBAN, with the bank's BIC as a detail if the report gives it."""
    return Normal(value, {"bic": bic} if bic else NO_DETAILS)


def _of_normal_form(country: str, bank: str, written: str, bic: str) -> Normal:
    """Return the account that a text in our normal form names."""
    refuse_spreadsheet_number(written)
    if BIC_SHAPE.fullmatch(bank) is None and country in account_numbers.COUNTRIES:
        return _coded(country, agreed_bank(bic, account_numbers.bank_by_code_or_name(country, bank)), written, "")
    if account := account_numbers.self_contained(country, bare(written)):
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
    return thai_banks.FORMER_BICS.get(bic[:8], bic[:8])


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
    country = columns.get("country", "").upper() or bic[4:6] or account_numbers.country_of_code(bank)
    if not bank and (code_and_number := account_numbers.split_code_and_number(country, text)):
        bank, text = code_and_number
        country = country or account_numbers.country_of_code(bank)
    words, number = split_words_and_number(text, country if bic or bank else "", alone=not bank and not bic)
    column = columns.get("account_number", "")
    refuse_spreadsheet_number(column or number)
    if column and number and bare(number) != bare(column):
        raise Rejected("account-form", "the value and the account_number column are two different numbers; report each")
    return _Stated(text, column or number, country, bic, bank, words, columns.get("branch", ""))


def _numbered(text: str, columns: Mapping[str, str], bic: str) -> Normal:
    """Return the account of a number and a bank, which columns or the words beside the number name."""
    stated = _stated(text, columns, bic)
    number, country = bare(stated.number), stated.country
    _refuse_card(number)
    if account := account_numbers.self_contained(country, number):
        return _normal(country, account)
    if made := _made_iban(stated):
        return _with_bic(made, bic)
    if country not in account_numbers.COUNTRIES and iban.is_required(country):
        raise _iban_missing(country)
    banks = [find_bank(name, stated.number, country) for name in (stated.bank, stated.words) if name]
    bank = agreed_bank(bic, *banks)
    if not bank:
        raise Rejected(
            "bank-missing",
            "a number alone is another person's account at every other bank: name the bank by BIC, code or name",
        )
    if banks and country in account_numbers.COUNTRIES:
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
    _refuse_card(bare(written))
    return _normal(country, account_numbers.national_account(country, bank, written, branch))


def _normal(country: str, account: account_numbers.NationalAccount) -> Normal:
    """Return the normal form of an account. Raises ``Rejected`` if its number is too short for its bank."""
    account_numbers.check_length(account.bank, account.number)
    return Normal(f"{country}:{account.bank}:{account.number}")


def _account(bic: str, written: str, branch: str = "") -> Normal:
    """Return the account at the bank with ``bic`` by its IBAN if the country requires that, else by number."""
    number = bare(written)
    _refuse_card(number)
    country = bic[4:6]
    bank, number = accounts.canonical_account(country, bic, number)
    if bank != bic and BIC_SHAPE.fullmatch(bank) is None:
        return _coded(country, bank, written if number == bare(written) else number, branch)
    bic = bank
    account_numbers.check_length(bic, number)
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


def _refuse_card(number: str) -> None:
    """Refuse the number of a payment card, which must never be shared: whoever has it can spend with it."""
    if is_card(number):
        raise Rejected("card-number", "this is the number of a payment card: cards are never taken, delete the row")
