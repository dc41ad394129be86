"""Bank accounts: by IBAN, else by number and bank, never by number alone."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache, lru_cache
from typing import ClassVar

from schwifty import BIC, IBAN, registry
from schwifty.exceptions import InvalidChecksumDigits, InvalidCountryCode, SchwiftyException

from schemas import thai_banks
from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Example, Kind, Normal

# Countries whose IBAN holds check digits of its own behind the country's, by one rule for all banks (IBAN registry).
# Where the rule is each bank's own (Germany, the Netherlands), its exceptions would refuse accounts that exist.
_NATIONAL_CHECK = frozenset(
    {"BA", "BE", "CZ", "EE", "ES", "FI", "FR", "IT", "MC", "ME", "MK", "MR", "NO", "PL", "PT", "RS", "SI", "SK", "SM"}
    | {"TL", "TN"}
)
# Fewest digits where numbers repeat from branch to branch, so that the branch's code has to stand in front.
_WITH_BRANCH = {"JP": 10, "AU": 11, "CA": 12}
_LONGEST = 300

_IBAN_SHAPE = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_OWN = re.compile(r"([A-Z]{2}):([A-Z0-9]{8}(?:[A-Z0-9]{3})?):([A-Z0-9][A-Z0-9 ./-]{3,50})")
_BIC_SHAPE = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")

_MARKS = re.compile(r"[\s.\-/]+")
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xAD], "-")
_THAI_DIGITS = {0x0E50 + value: str(value) for value in range(10)}
_IBAN_LABEL = re.compile(r"IBAN[\s:.]*", re.IGNORECASE)
_WORDED = re.compile(r"(\D*?)(\d(?:[\d .\-/]*\d)?)(\D*)")
# Outside Thailand a number may have letters; groups of letters alone are words beside it.
_LETTERED = re.compile(r"[A-Za-z]*[./-]?\d[A-Za-z0-9]*(?:[ ./-]+[A-Za-z]*\d[A-Za-z0-9]*)*")
_LABELS = re.compile(
    r"เลขที่บัญชี|เลขบัญชี|หมายเลขบัญชี|บัญชี|เลขที่|\b(?:account|acct|acc|a/c|number|no)\b\.?|[:#,;|]|^[\s./-]+|[\s./-]+$",
    re.IGNORECASE,
)
# Thai accounts of ten digits are written 123-4-56789-0, as no other country's are.
_THAI_GROUPS = r"\d{3}[- ]\d[- ]\d{5}[- ]\d"
_GROUPED = re.compile(_THAI_GROUPS)
_CODED = re.compile(rf"(\d{{3}})[-/ ]({_THAI_GROUPS}|\d{{10}})")

_CARD = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|4[4-9]\d|5\d{2})\d{12}|(?:35|62)\d{14,17}"
)


class BankAccount(Kind):
    """An account at a bank.

    The normal form is the IBAN; where a country has none, ``COUNTRY:BIC:NUMBER`` with the BIC of eight characters. A
    branch's BIC of eleven gives the same account: the branch is an office, and an account's number is its bank's. The
    country is the bank's, as its BIC has it.
    """

    name: ClassVar[str] = "bank-account"
    title: ClassVar[Mapping[str, str]] = {"en": "Bank account", "th": "บัญชีธนาคาร"}
    time_to_live: ClassVar[timedelta] = timedelta(days=90)
    inputs: ClassVar[Mapping[str, str]] = {
        "iban": "IBAN; where it is given, the account number counts for nothing",
        "account_number": "the bank's own number of the account",
        "bic": "BIC (SWIFT code) of the bank, 8 or 11 characters",
        "bank": "a Thai bank, where its BIC is not given: code (004), symbol (KBANK), Thai or English name",
        "country": "ISO 3166-1 alpha-2 country of a bank that is given by its name or code",
    }
    account: ClassVar[bool] = True
    collection: ClassVar[str] = "mule-accounts"

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Give the IBAN, with the bank's BIC where that was given; else country, bank and number."""
        columns = {name: _plain(given[name]) for name in given if given[name] and name in self.inputs}
        text = _plain(raw)
        bic = _bic8(columns["bic"]) if "bic" in columns else ""
        if iban := _iban_in(text, columns):
            return Normal(_checked(iban), {"bic": bic} if bic else NO_DETAILS)
        if own := _OWN.fullmatch(text.upper()):
            if own[1] != own[2][4:6]:
                raise Rejected("bic-form", "the country in front is not the BIC's own (its 5th and 6th characters)")
            return _account(_one_bank(bic, _bic8(own[2])), _MARKS.sub("", own[3]))
        return _numbered(text, columns, bic)

    def recognises(self, raw: str) -> bool:
        """Tell whether ``raw`` is shaped like an IBAN of a country that has them, or is written as our normal form."""
        if len(raw) > 60 or raw not in (raw.upper(), raw.lower()):
            return False
        text = raw.upper()
        return _OWN.fullmatch(text) is not None or _is_iban_length(_compact(text))

    def examples(self) -> Iterable[Example]:
        """Give the IBAN registry's own examples and made-up Thai numbers, in several spellings, and what is refused."""
        yield from _examples_of_iban()
        yield from _examples_of_number()
        yield from _examples_of_refusal()


def _plain(text: str) -> str:
    """Give ``text`` with plain digits, dashes and blanks, whatever script or width they had."""
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFKC", text).translate(_THAI_DIGITS).translate(_DASHES).strip()


def _compact(text: str) -> str:
    """Give an IBAN or BIC without blanks, dashes and label, in upper case."""
    return _MARKS.sub("", _IBAN_LABEL.sub("", text, count=1)).upper()


@cache
def _by_iban(country: str) -> bool:
    """Tell whether accounts of a country are known by IBAN alone: those of the SEPA, and Brazil's.

    Their numbers repeat from branch to branch, and an IBAN and a number would be two names of one account.
    """
    return country == "BR" or (_iban_length(country) > 0 and bool(registry.get_iban_spec(country).in_sepa_zone))


@cache
def _iban_length(country: str) -> int:
    """Give how long a country's IBANs are, 0 where it has none."""
    try:
        return int(registry.get_iban_spec(country).iban_length)
    except InvalidCountryCode:
        return 0


def _is_iban_length(text: str) -> bool:
    """Tell whether a compact ``text`` has the shape of an IBAN and its country's length."""
    return _IBAN_SHAPE.fullmatch(text) is not None and len(text) == _iban_length(text[:2])


def _iban_in(text: str, columns: Mapping[str, str]) -> str:
    """Give what the report offers as an IBAN, "" where it offers none. A value that is one agrees with the column."""
    value = _compact(text)
    shaped = _IBAN_SHAPE.fullmatch(value) is not None
    if shaped and not _iban_length(value[:2]) and columns.keys() & {"bank", "bic", "iban"}:
        shaped = False
    column = _compact(columns.get("iban", ""))
    if column and shaped and column != value:
        raise Rejected("iban-form", "the value and the iban column are two different IBANs; report each by itself")
    return column or (value if shaped else "")


def _checked(text: str) -> str:
    """Give a compact IBAN that its country's rules allow."""
    try:
        iban = IBAN(text)
    except InvalidCountryCode:
        raise Rejected(
            "iban-country",
            "the first two letters are no country that has IBANs: give the account number, and its bank by BIC or name",
        ) from None
    except InvalidChecksumDigits:
        raise Rejected(
            "iban-checksum", "the IBAN's check digits do not fit: a character was mistyped or moved"
        ) from None
    except SchwiftyException:
        raise Rejected(
            "iban-form", "not of the length and form that this country's IBANs have; copy it again"
        ) from None
    if text[:2] in _NATIONAL_CHECK:
        try:
            iban.bban.validate_national_checksum()
        except SchwiftyException:
            raise Rejected("iban-checksum", "the account's national check digits inside the IBAN do not fit") from None
    return str(iban)


@lru_cache(maxsize=4096)
def _bic8(text: str) -> str:
    """Give the BIC of the bank as a whole, the present one where it had another."""
    bic = _compact(text)
    try:
        if _BIC_SHAPE.fullmatch(bic) is None:
            raise SchwiftyException
        BIC(bic)
    except SchwiftyException:
        raise Rejected(
            "bic-form", "not a BIC: 8 or 11 characters, of which the 5th and 6th are a country (ISO 9362)"
        ) from None
    return thai_banks.FORMER_BICS.get(bic[:8], bic[:8])


def _one_bank(*bics: str) -> str:
    """Give the one bank that all ``bics`` which are not empty name."""
    banks = {bic for bic in bics if bic}
    if len(banks) > 1:
        raise Rejected("bank-conflict", "the report names two banks for one account; keep the one that holds it")
    return banks.pop() if banks else ""


def _numbered(text: str, columns: Mapping[str, str], bic: str) -> Normal:
    """Give the account of a number and a bank, which columns or the words beside the number name."""
    column, named = columns.get("account_number", ""), columns.get("bank", "")
    words, written = _parted(text, bic, alone=not named and not bic)
    number = _MARKS.sub("", column or written).upper()
    if column and written and _MARKS.sub("", written).upper() != number:
        raise Rejected("account-form", "the value and the account_number column are two different numbers; report each")
    _refuse_card(number)
    country = columns.get("country", "").upper()
    banks = [_thai_bank(name, column or written, country) for name in (named, words) if name]
    if not (bic := _one_bank(bic, *banks)):
        raise Rejected(
            "bank-missing",
            "a number alone is another person's account at every other bank: name the bank by BIC, code or name",
        )
    return _account(bic, number)


def _parted(text: str, bic: str, *, alone: bool) -> tuple[str, str]:
    """Give the words and the number of ``text``; ``alone`` where nothing but these words can name the bank."""
    if len(text) > _LONGEST:
        raise Rejected("account-form", "far longer than a bank's name and a number; give these alone")
    if (coded := _CODED.fullmatch(text)) and (alone or _GROUPED.fullmatch(coded[2])):
        return coded[1], coded[2]
    if bic and bic[4:6] != "TH" and _LETTERED.fullmatch(text):
        return "", text
    if worded := _WORDED.fullmatch(text):
        return _LABELS.sub(" ", f"{worded[1]} {worded[3]}").strip(), worded[2]
    return ("", text) if any(char.isdigit() for char in text) else (text, "")


def _thai_bank(name: str, written: str, country: str) -> str:
    """Give the BIC of the bank that ``name`` names, where name, number or country leave no doubt that it is Thai."""
    found = thai_banks.named(name.zfill(3) if name.isdigit() else name)
    if thai_banks.is_service(name):
        raise Rejected("bank-unknown", "this is a payment service and no bank; report its alias as a payment account")
    if found is None or country not in ("", "TH"):
        raise Rejected("bank-unknown", "only Thai banks are known by name; give the bank's BIC, without other words")
    sure = country == "TH" or thai_banks.is_thai(name) or _GROUPED.fullmatch(written) is not None
    plain_ten = name.isdigit() and len(_MARKS.sub("", written)) == 10
    if found.shared and not sure and not plain_ten:
        raise Rejected("bank-unknown", "banks of several countries have this name or code: add country TH, or the BIC")
    return found.bank.bic


def _account(bic: str, number: str) -> Normal:
    """Give the normal form of an account that has no IBAN."""
    _refuse_card(number)
    country = bic[4:6]
    lengths = thai_banks.digits(bic)
    if country == "TH" and lengths and len(number) not in lengths:
        hint = "; a leading zero may have been lost" if len(number) == min(lengths) - 1 else ""
        raise Rejected("account-form", f"account numbers of this bank have {lengths[0]} digits{hint}")
    if country == "TH" and not (number.isdigit() and 10 <= len(number) <= 15):
        raise Rejected("account-form", "Thai account numbers have 10 to 15 digits and nothing else")
    if _by_iban(country):
        raise Rejected("iban-missing", "accounts of this bank's country are known by their IBAN: give that")
    if len(number) < _WITH_BRANCH.get(country, 0):
        raise Rejected(
            "account-form", "this country's numbers repeat from branch to branch: put the branch's code first"
        )
    if re.fullmatch(r"(?=(?:[A-Z]*\d){4})[A-Z0-9]{4,34}", number) is None:
        raise Rejected("account-form", "an account number has 4 to 34 letters and digits, 4 digits at least")
    return Normal(f"{country}:{bic}:{number}")


def _refuse_card(number: str) -> None:
    """Refuse the number of a payment card: never shared, as whoever has it can spend with it."""
    if _CARD.fullmatch(number):
        doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
        if sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0:  # ISO/IEC 7812-1 annex B
            raise Rejected("card-number", "this is the number of a payment card: cards are never taken, delete the row")


_DE, _GB, _FR = "DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606"
_KBANK, _GSB = "TH:KASITHBK:1234567890", "TH:GSBATHBK:012345678901"


def _examples_of_iban() -> Iterable[Example]:
    """Give IBANs."""
    yield Example(_DE, _DE)
    yield Example("de89 3704 0044 0532 0130 00", _DE)
    yield Example("IBAN: DE89-3704-0044-0532-0130-00", _DE)
    yield Example("ＤＥ８９３７０４００４４０５３２０１３０００", _DE)
    yield Example(_GB, _GB, given={"account_number": "31926819"})
    yield Example("31926819", _GB, given={"iban": "GB29 NWBK 6016 1331 9268 19"})
    yield Example("", _FR, given={"iban": _FR})
    yield Example(_DE, _DE, given={"bic": "COBADEFFXXX"}, details={"bic": "COBADEFF"})
    yield Example("NO9386011117947", "NO9386011117947")


def _examples_of_number() -> Iterable[Example]:
    """Give accounts of countries without IBAN, and the spellings that meet."""
    for raw in (
        "123-4-56789-0",
        "123 4 56789 0",
        "1234567890",
        "๑๒๓-๔-๕๖๗๘๙-๐",
        "１２３４５６７８９０",
        "123–4–56789–0",
    ):
        yield Example(raw, _KBANK, given={"bank": "KBANK"})
    for bank in (
        "004",
        "kbank",
        "กสิกรไทย",
        "ธนาคารกสิกรไทย จำกัด (มหาชน)",
        "Kasikornbank PCL",
        "ธ.กสิกรไทย",
        "KASITHBK",
        "4",
    ):
        yield Example("1234567890", _KBANK, given={"bank": bank})
    for raw in (
        "004-123-4-56789-0",
        "KBANK 123-4-56789-0",
        "ธ.กสิกรไทย 123-4-56789-0",
        "เลขที่บัญชี 123-4-56789-0 ธนาคารกสิกรไทย",
        "KASITHBK 1234567890",
        _KBANK.lower(),
        "TH:KASITHBKXXX:123-4-56789-0",
    ):
        yield Example(raw, _KBANK)
    yield Example("1234567890", _KBANK, given={"bic": "KASITHBKXXX"})
    yield Example("", _KBANK, given={"account_number": "1234567890", "bic": "kasithbk"})
    yield Example("KBANK", _KBANK, given={"account_number": "1234567890"})
    yield Example("0-1234-5678-901", _GSB, given={"bank": "ออมสิน"})
    yield Example("012345678901", _GSB, given={"bank": "030", "country": "TH"})
    yield Example("SCB 123-4-56789-0", "TH:SICOTHBK:1234567890")
    yield Example("1234567890", "TH:SICOTHBK:1234567890", given={"bank": "SCB", "country": "th"})
    yield Example("1234567890", "TH:LAHRTHB2:1234567890", given={"bic": "LAHRTHB1"})
    yield Example("12-3456-78", "SG:DBSSSGSG:12345678", given={"bic": "DBSSSGSG"})
    yield Example("AB-123456", "SG:DBSSSGSG:AB123456", given={"bic": "DBSSSGSG"})
    yield Example("001 1234567", "JP:BOTKJPJT:0011234567", given={"bic": "BOTKJPJT"})


def _examples_of_refusal() -> Iterable[Example]:
    """Give what is refused."""
    yield Example("DE89370400440532013001", reason="iban-checksum")
    yield Example("NO6686011117948", reason="iban-checksum")
    yield Example("DE8937040044053201300", reason="iban-form")
    yield Example(_DE, reason="iban-form", given={"iban": _GB})
    yield Example("TH29KASI60161331926819", reason="iban-country")
    yield Example("31926819", reason="iban-missing", given={"bic": "NWBKGB2L"})
    yield Example("1234567890", reason="bank-missing")
    yield Example("", reason="bank-missing")
    yield Example("1234567890", reason="bank-unknown", given={"bank": "Bank of Nowhere"})
    yield Example("1234567890", reason="bank-unknown", given={"bank": "SCB"})
    yield Example("1234567890", reason="bank-unknown", given={"bank": "004", "country": "KR"})
    yield Example("012345678901", reason="bank-unknown", given={"bank": "034"})
    yield Example("พร้อมเพย์ 0812345678", reason="bank-unknown")
    yield Example("SCB 123-4-56789-0", reason="bank-conflict", given={"bic": "KASITHBK"})
    yield Example("1234567890", reason="bic-form", given={"bic": "KASIXXBK"})
    yield Example("1234567890", reason="bic-form", given={"bic": "KASITH"})
    yield Example("SG:KASITHBK:1234567890", reason="bic-form")
    yield Example("123456789", reason="account-form", given={"bank": "KBANK"})
    yield Example("12345", reason="account-form", given={"bank": "ออมสิน"})
    yield Example("1234567", reason="account-form", given={"bic": "BOTKJPJT"})
    yield Example("12", reason="account-form", given={"bic": "DBSSSGSG"})
    yield Example("1234567890", reason="account-form", given={"account_number": "0987654321", "bank": "KBANK"})
    yield Example("4111 1111 1111 1111", reason="card-number")
    yield Example("TH:KASITHBK:4111111111111111", reason="card-number")
