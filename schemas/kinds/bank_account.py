"""Bank accounts: by IBAN, else by number and bank, never by number alone."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import ClassVar

from schwifty import BIC
from schwifty.exceptions import SchwiftyException

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, PAID, Example, Kind, Normal
from schemas.reference.banks import account_numbers, accounts, iban, thai_banks
from schemas.reference.banks.recognition import (
    BIC_SHAPE,
    agreed_bank,
    find_bank,
    is_number_beside_bank,
    split_words_and_number,
)
from schemas.reference.examples import bank_account
from schemas.reference.numbers import bare, compact, is_card, plain, refuse_spreadsheet_number
from schemas.vocabulary import Action

# Fewest digits where numbers repeat from branch to branch, so that the branch's code has to stand in front.
_WITH_BRANCH = {"JP": 10, "AU": 11, "CA": 12}

_OWN = re.compile(r"([A-Z]{2}):([A-Z0-9]{2,11}):([A-Z0-9][A-Z0-9 ./-]{3,50})")


# Words and ten digits or more: perhaps a bank's name and a number.
_NAMED = re.compile(r"(?=.*[\s(])(?=.*[A-Za-zก-๛]{2})(?=(?:\D*\d){10})[^/@]+")


class BankAccount(Kind):
    """An account at a bank.

    The normal form is the IBAN, made from number and bank where the country's rule allows that; where there is none,
    ``COUNTRY:BANK:NUMBER``. The bank is its BIC of eight characters: a branch's BIC of eleven gives the same account,
    the branch being an office. Where only the country's own code names the bank (a routing number, a sort code), the
    code stands there, and a number has its branch in front where numbers repeat from branch to branch.
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
        """Give the IBAN, with the bank's BIC where that was given; else country, bank and number."""
        columns = {name: plain(given[name]) for name in given if given[name] and name in self.columns}
        text = plain(raw)
        if (
            BIC_SHAPE.fullmatch(named := compact(columns.get("bank", "")))
            and named[4:6] == columns.get("country", "").upper()
        ):
            columns.setdefault("bic", columns.pop("bank"))  # what people call the bank's code is its BIC
        bic = _bic8(columns["bic"]) if "bic" in columns else ""
        if found := _iban_in(text, columns):
            return _with_bic(_agreed(iban.checked(found), text, columns), bic)
        if own := _OWN.fullmatch(text.upper()):
            return _of_own_form(own[1], own[2], own[3], bic)
        return _numbered(text, columns, bic)

    def key(self, value: str) -> str:
        """Give the shortest name that follows from each name of an account: bank, branch and number."""
        return accounts.key(value)

    def fullest(self, values: Iterable[str]) -> str:
        """Give the IBAN among an account's names, where there is one."""
        return accounts.fullest(values)

    def recognises(self, raw: str) -> bool:
        """Tell whether ``raw`` is shaped like an IBAN of a country that has them, or is written as our normal form.

        So is a number of ten digits or more beside the name of a Thai bank, but beside its code alone.
        """
        if len(raw) > 60:
            return False
        if _NAMED.fullmatch(raw) and is_number_beside_bank(raw):
            return True
        if raw not in (raw.upper(), raw.lower()):
            return False
        text = raw.upper()
        # With dots it may be a domain name.
        return _OWN.fullmatch(text) is not None or ("." not in text and iban.has_iban_form(compact(text)))

    def examples(self) -> Iterable[Example]:
        """Give the IBAN registry's own examples and made-up Thai numbers, in several spellings, and what is refused."""
        return bank_account.every()


def _with_bic(value: str, bic: str) -> Normal:
    """Give the account of an IBAN, beside the bank's BIC where that was given."""
    return Normal(value, {"bic": bic} if bic else NO_DETAILS)


def _of_own_form(country: str, bank: str, written: str, bic: str) -> Normal:
    """Give the account that a text in our normal form says."""
    refuse_spreadsheet_number(written)
    if BIC_SHAPE.fullmatch(bank) is None and country in account_numbers.COUNTRIES:
        return _coded(country, agreed_bank(bic, account_numbers.bank_by_code_or_name(country, bank)), written, "")
    if held := account_numbers.self_contained(country, bare(written)):
        return _normal(country, held)
    if country != bank[4:6]:
        raise Rejected("bic-form", "the country in front is not the BIC's own (its 5th and 6th characters)")
    return _account(agreed_bank(bic, _bic8(bank)), written)


def _iban_in(text: str, columns: Mapping[str, str]) -> str:
    """Give what the report offers as an IBAN, "" where it offers none. A value that is one agrees with the column."""
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


def _agreed(found: str, text: str, columns: Mapping[str, str]) -> str:
    """Give an IBAN that has the sort code and the number which stand beside it in it. Raises ``Rejected``.

    In other countries a bank may write its numbers otherwise than its IBANs have them.
    """
    if found[:2] not in iban.SORT_CODE:
        return found
    said = [bare(each) for each in (columns.get("bank", ""), columns.get("account_number", ""), text)]
    codes = {each for each in said[:1] if re.fullmatch(r"\d{6}", each)}
    numbers = {each.zfill(8) for each in said[1:] if re.fullmatch(r"\d{6,8}", each)}
    if codes - {found[8:14]} or numbers - {found[14:22]}:
        raise Rejected(
            "account-conflict",
            "the IBAN is another account's than sort code and number beside it; report the right one",
        )
    return found


@lru_cache(maxsize=4096)
def _bic8(text: str) -> str:
    """Give the BIC of the bank as a whole, the present one where it had another."""
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


def _numbered(text: str, columns: Mapping[str, str], bic: str) -> Normal:
    """Give the account of a number and a bank, which columns or the words beside the number name."""
    column, named = columns.get("account_number", ""), columns.get("bank", "")
    country = columns.get("country", "").upper() or bic[4:6] or account_numbers.country_of_code(named)
    if not named and (inside := account_numbers.split_code_and_number(country, text)):
        named, text = inside
        country = country or account_numbers.country_of_code(named)
    words, written = split_words_and_number(text, country if bic or named else "", alone=not named and not bic)
    refuse_spreadsheet_number(column or written)
    number = bare(column or written)
    if column and written and bare(written) != number:
        raise Rejected("account-form", "the value and the account_number column are two different numbers; report each")
    _refuse_card(number)
    if held := account_numbers.self_contained(country, number):
        return _normal(country, held)
    if made := iban.from_codes(country, bare(named), bare(columns.get("branch", "")), column or written):
        return _with_bic(made, bic)
    sort_code = bare(named) if re.fullmatch(r"[\d -]{6,8}", named) else ""
    if made := iban.from_number(country, bic, sort_code, column or written) or iban.from_number(country, bic, "", text):
        return _with_bic(made, bic)
    if country not in account_numbers.COUNTRIES and iban.is_required(country):
        raise _iban_missing(country)
    banks = [find_bank(name, column or written, country) for name in (named, words) if name]
    if not (bank := agreed_bank(bic, *banks)):
        raise Rejected(
            "bank-missing",
            "a number alone is another person's account at every other bank: name the bank by BIC, code or name",
        )
    if banks and country in account_numbers.COUNTRIES:
        return _coded(country, bank, column or written, columns.get("branch", ""))
    return _account(bank, column or written, columns.get("branch", ""))


def _coded(country: str, bank: str, written: str, branch: str) -> Normal:
    """Give the normal form of an account at a bank that its country's code or a name named."""
    _refuse_card(bare(written))
    return _normal(country, account_numbers.national_account(country, bank, written, branch))


def _normal(country: str, account: account_numbers.NationalAccount) -> Normal:
    account_numbers.check_length(account.bank, account.number)
    return Normal(f"{country}:{account.bank}:{account.number}")


def _account(bic: str, written: str, branch: str = "") -> Normal:
    """Give the normal form of an account at the bank with ``bic`` that has no IBAN."""
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
    if country == "AU":  # the BSB says the bank, and its branch
        return _coded(country, number[:6], number[6:], "")
    if re.fullmatch(r"(?=(?:[A-Z]*\d){4})[A-Z0-9]{4,34}", number) is None:
        raise Rejected("account-form", "an account number has 4 to 34 letters and digits, 4 digits at least")
    return Normal(f"{country}:{bic}:{number}")


def _iban_missing(country: str) -> Rejected:
    hint = ", or the BIC and the sort code beside the number" if country in iban.SORT_CODE else ""
    return Rejected("iban-missing", f"accounts of this bank's country are known by their IBAN: give that{hint}")


def _refuse_card(number: str) -> None:
    """Refuse the number of a payment card: never shared, as whoever has it can spend with it."""
    if is_card(number):
        raise Rejected("card-number", "this is the number of a payment card: cards are never taken, delete the row")
