"""Numbers that identify one person in free text: national ids by their check digits, payment cards, and IBANs."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from stdnum import luhn
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ch import ssn as ahv
from stdnum.cn import ric
from stdnum.cz import rc
from stdnum.dk import cpr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.id import nik
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.my import nric
from stdnum.pk import cnic
from stdnum.pl import pesel
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.th import pin
from stdnum.tr import tckimlik
from stdnum.us import ssn
from stdnum.za import idnr

from schemas.errors import Rejected
from schemas.reference import iban
from schemas.reference.numbers import is_card
from server.release.guard.personal_data import documents

CARD = "the number of a payment card"
NATIONAL_ID = "a person's national id"
IBAN = "the IBAN of an account"

# Words that turn bare digits into a person's id.
_ID_WORDS = re.compile(
    r"\b(?:ids?|id[- ]?card|identity|citizens?|national|passport|ssn|social security|nric|ic no|nik|ktp|aadhaa?r|cpf"
    r"|cccd|cmnd|p\.?a\.?n|permanent account|uid|pesel|tckn|t\.?c\.? kimlik|bsn|cnp|my ?number|personnummer|resident"
    r"|codice fiscale)\b"
    r"|บัตร|ประชาชน|身份证|身分證|マイナンバー|주민",
    re.IGNORECASE,
)
# Milliseconds since 1970 in the years 2014 to 2036 have as many digits as a Thai id.
_MILLISECONDS = re.compile(r"1[4-9]\d{11}|20\d{11}")
_CARDS = re.compile(r"(?<![0-9A-Za-z.])\d(?:[ -]?\d){12,18}(?![0-9A-Za-z])")
# Cards with another separator between the groups or digits, the same everywhere.
_CARDS_IN_GROUPS = re.compile(
    r"(?<![\w.])\d{4}([._/|,*~:+]| [-._/|] )\d{4}\1\d{4}\1\d{4}(?!\w)"
    r"|(?<![\w.])\d([._/|,*~:+]|[ -]{2})\d(?:\2\d){11,17}(?!\w)"
)
_IBANS = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?:[ .\-_/]?[A-Z0-9]){11,38}")
# Long Diners Club numbers, RuPay and Maestro, which ``is_card`` does not know.
_OTHER_CARDS = re.compile(
    r"3(?:0[0-5]|[68]\d)\d{13}|(?:60|8[12])\d{14}|508\d{13}"
    r"|(?:50(?:18|20|38)|5893|6304|6759|676[1-3])\d{8,15}"
)
# Ids and IBANs with few consecutive digits, which a search for digits alone would miss.
LETTERED = re.compile(
    r"[A-Z]\d{6}|\d{6}[-+A][0-9A-Z]|\d{6}[A-Z]|\) ?\d{6}|(?<=[A-Z]{5})\d{4}[A-Z]"
    r"|[A-Z]{6}\d{2}[A-Z]\d|[A-Z]{2}\d{2} ?[A-Z0-9]{4}|[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]\b"
)
_BEFORE = 30
# "12/KaMaNa(N)123456", in Latin letters or its own script without marks: state, township, and the kind of citizen.
_MYANMARS = (
    r"(?:1[0-4]|[1-9]) ?[-/.] ?[^\W\d_](?:[ .]?[^\d\n ()/.-]){1,24} ?[-/.(] ?"
    r"(?:[NEPTYSCnepytsc]|[Nn](?i:aing)|[Pp](?i:yu)|[Ee](?i:h)|နင|ဧည|ပြ|သ) ?[-/.)] ?\d{6}"
)
_NOT_DIGITS = re.compile(r"\D")
_SEPARATORS = str.maketrans("", "", " -./()")


class _IdForm(NamedTuple):
    """The form of a country's ids; a ``bare`` one counts only near words such as "id card"."""

    written: re.Pattern[str]
    valid: Callable[[str], bool]
    bare: bool = False


def _form(written: str, valid: Callable[[str], bool], *, bare: bool = False) -> _IdForm:
    return _IdForm(re.compile(rf"(?<![0-9A-Za-z.-])(?:{written})(?![0-9A-Za-z-])"), valid, bare)


def _spread(form: str) -> str:
    """Return an expression for a number in groups of any length. In its ``form``, A is any letter and 9 any digit."""
    signs = ({"A": "[A-Za-z]", "9": r"\d"}.get(sign) or f"[{sign}{sign.lower()}]" for sign in form)
    return "[ ./-]{0,3}".join(signs)


def _is_singapores(number: str) -> bool:
    weighed = sum(int(digit) * weight for digit, weight in zip(number[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    offset, letters = {"S": (0, "JZIHGFEDCBA"), "T": (4, "JZIHGFEDCBA"), "F": (0, "XWUTRQPNMLK")}.get(
        number[0], (4, "XWUTRQPNMLK") if number[0] == "G" else (3, "KLJNPQRTUWX")
    )
    place = (weighed + offset) % 11
    return number[8] == (letters[10 - place] if number[0] == "M" else letters[place])


def _is_hong_kongs(number: str) -> bool:
    letters, check = number[:-7], number[-1]
    digits = [ord(letter) - 55 for letter in letters.rjust(2, "$")] + [int(digit) for digit in number[-7:-1]]
    if len(letters) == 1:
        digits[0] = 36
    total = sum(digit * weight for digit, weight in zip(digits, range(9, 1, -1), strict=True))
    return (total + (10 if check == "A" else int(check))) % 11 == 0


def _is_taiwans(number: str) -> bool:
    first = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(number[0]) + 10
    weighed = first // 10 + first % 10 * 9
    return (weighed + sum(int(d) * w for d, w in zip(number[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True))) % 10 == 0


def _is_thailands(number: str) -> bool:
    return not _MILLISECONDS.fullmatch(number) and bool(pin.is_valid(number))


def _is_valid_by_form(number: str) -> bool:
    return True


_FORMS = (
    _form(r"[1-8][- ]\d{4}[- ]\d{5}[- ]\d{2}[- ]\d", pin.is_valid),
    _form(r"[1-8]\d{12}", _is_thailands),
    _form(r"\d{3}-\d{2}-\d{4}", ssn.is_valid),
    _form(r"\d{6}-\d{2}-\d{4}", nric.is_valid),
    _form(r"\d{6}-\d{7}", rrn.is_valid),
    _form(r"\d{3}\.\d{3}\.\d{3}-\d{2}", cpf.is_valid),
    _form(r"[STFGM]\d{7}[A-Z]", _is_singapores),
    _form(r"[A-Z]{1,2}\d{6}\([0-9A]\)", _is_hong_kongs),
    _form(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", codicefiscale.is_valid),
    _form(r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d", curp.is_valid),
    _form(r"\d{17}[0-9Xx]", ric.is_valid),
    _form(r"\d{4}[ -]\d{4}[ -]\d{4}", aadhaar.is_valid),
    _form(r"\d{6}[-+]\d{4}", lambda number: bool(personnummer.is_valid(number) or cpr.is_valid(number))),
    _form(r"\d{6}[-+A]\d{3}[0-9A-Y]", hetu.is_valid),
    _form(r"\d{6}/\d{4}", rc.is_valid),
    _form(r"\d{8}-?[A-Z]", dni.is_valid),
    _form(r"[XYZ]\d{7}-?[A-Z]", nie.is_valid),
    _form(r"[12] ?\d{2} ?\d{2} ?\d[0-9AB] ?\d{3} ?\d{3} ?\d{2}", nir.is_valid),
    _form(r"\d{5}-\d{7}-\d", cnic.is_valid),
    _form(r"756\.\d{4}\.\d{4}\.\d{2}", ahv.is_valid),
    _form(r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", nn.is_valid),
    _form(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]", _is_valid_by_form),
    _form(_MYANMARS, _is_valid_by_form),
    _form(r"[A-Z]{3}P[A-Z]\d{4}[A-Z]", pan.is_valid),
    _form(r"[A-Z][12]\d{8}", _is_taiwans, bare=True),
    _form(_spread("9" * 13), pin.is_valid, bare=True),
    _form(_spread("9" * 16), nik.is_valid, bare=True),
    _form(_spread("AAAPA9999A"), pan.is_valid, bare=True),
    _form(_spread("AAAAAA99A99A999A"), codicefiscale.is_valid, bare=True),
    _form(_spread("9" * 12), lambda number: bool(nric.is_valid(number) or aadhaar.is_valid(number)), bare=True),
    _form(r"0\d{11}", _is_valid_by_form, bare=True),  # Viet Nam
    _form(_spread("9" * 11), lambda number: bool(tckimlik.is_valid(number) or pesel.is_valid(number)), bare=True),
    _form(_spread("9" * 11), cpf.is_valid, bare=True),
    _form(_spread("9" * 13), lambda number: bool(idnr.is_valid(number) or cnp.is_valid(number)), bare=True),
    _form(r"\d{9}", ssn.is_valid, bare=True),
)


def find_numbers(text: str, *, cards_only: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the sort of each number found in ``text``, and its digits and letters without separators."""
    for match in (*_CARDS.finditer(text), *_CARDS_IN_GROUPS.finditer(text)):
        number = _NOT_DIGITS.sub("", match[0])
        if is_card(number) or (_OTHER_CARDS.fullmatch(number) and luhn.is_valid(number)):
            yield CARD, number
    if cards_only:
        return
    yield from _find_ibans(text.upper())
    has_id_words = _ID_WORDS.search(text) is not None
    for form in _FORMS:
        if has_id_words or not form.bare:
            for match in form.written.finditer(text):
                if form.bare and _is_of_another_thing(text, match, is_valid=form.valid is not _is_valid_by_form):
                    continue
                number = match[0].translate(_SEPARATORS)
                if form.valid(number if form.valid not in _AS_WRITTEN else match[0]):
                    yield NATIONAL_ID, number


def _is_of_another_thing(text: str, match: re.Match[str], *, is_valid: bool) -> bool:
    """Return whether the words or sign before a number say that it is that of another thing, such as an order or line.

    A number that ``is_valid`` as an id, and has letters or is written without groups, is one after any word.
    """
    if is_valid and (match[0].isalnum() or not match[0].translate(_SEPARATORS).isdigit()):
        return False
    before = text[max(0, match.start() - _BEFORE) : match.start()]
    return before.endswith("+") or documents.is_of_another_thing(before)


def _find_ibans(text: str) -> Iterator[tuple[str, str]]:
    for match in _IBANS.finditer(text):
        number = match[0].translate(_SEPARATORS).replace("_", "")
        number = number[: iban.length(number[:2])]
        with suppress(Rejected):
            if number:
                yield IBAN, iban.checked(number)


# The separator is part of these numbers.
_AS_WRITTEN = frozenset({hetu.is_valid})
