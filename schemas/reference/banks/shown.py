"""Banks as pages show them: a name that people know, with the BIC, from an account or an institution."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from schemas.errors import Rejected
from schemas.reference.banks.code_table import listed_banks
from schemas.reference.banks.recognition import find_bank


class ShownBank(NamedTuple):
    """A bank: its BIC, and its names in English and Thai."""

    bic: str
    english: str
    thai: str

    def called(self, language: str) -> str:
        """Return its name in a language (``th``, else English), and its BIC."""
        return f"{self.thai if language == 'th' else self.english} ({self.bic})"


_THAI: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "AYUDTHBK": ("Krungsri", "กรุงศรีอยุธยา"),
        "BAABTHBK": ("Bank for Agriculture and Agricultural Cooperatives", "ธ.ก.ส."),
        "BKKBTHBK": ("Bangkok Bank", "กรุงเทพ"),
        "CITITHBX": ("Citibank", "ซิตี้แบงก์"),
        "GOHUTHB1": ("Government Housing Bank", "อาคารสงเคราะห์"),
        "GSBATHBK": ("Government Savings Bank", "ออมสิน"),
        "HSBCTHBK": ("HSBC", "เอชเอสบีซี"),
        "ICBKTHBK": ("ICBC (Thai)", "ไอซีบีซี (ไทย)"),
        "KASITHBK": ("Kasikornbank", "กสิกรไทย"),
        "KKPBTHBK": ("Kiatnakin Phatra Bank", "เกียรตินาคินภัทร"),
        "KRTHTHBK": ("Krungthai Bank", "กรุงไทย"),
        "LAHRTHB2": ("Land and Houses Bank", "แลนด์ แอนด์ เฮ้าส์"),
        "SCBLTHBX": ("Standard Chartered (Thai)", "สแตนดาร์ดชาร์เตอร์ด (ไทย)"),
        "SICOTHBK": ("Siam Commercial Bank", "ไทยพาณิชย์"),
        "TFPCTHB1": ("TISCO Bank", "ทิสโก้"),
        "THCETHB1": ("Thai Credit Bank", "ไทยเครดิต"),
        "TIBTTHBK": ("Islamic Bank of Thailand", "อิสลามแห่งประเทศไทย"),
        "TMBKTHBK": ("TMBThanachart Bank", "ทีเอ็มบีธนชาต"),
        "UBOBTHBK": ("CIMB Thai", "ซีไอเอ็มบี ไทย"),
        "UOVBTHBK": ("UOB (Thai)", "ยูโอบี"),
    }
)
_NATIONAL = re.compile(r"([A-Z]{2}):([A-Z0-9]{2,11})(?::.*)?")
_BIC = re.compile(r"[A-Z]{4}([A-Z]{2})[A-Z0-9]{2}")
_SMALL = frozenset({"and", "for", "of", "the"})
_ABBREVIATIONS = frozenset(
    {"bidv", "cimb", "citic", "icbc", "icici", "idbi", "idfc", "keb", "mufg", "ocbc", "uco", "uob", "vib", "yes"}
)


def bank_of(value: str) -> ShownBank | None:
    """Return the bank of an account in its normal form, or of an institution; None where no name of it is known."""
    if bic := _BIC.fullmatch(value):
        return _by_code().get((bic[1], value))
    if national := _NATIONAL.fullmatch(value):
        return _by_code().get((national[1], national[2]))
    return None


def institution_called(text: str, country: str) -> str:
    """Return the institution that the name of a bank means: its BIC, or its code with its country.

    What is no name known here is returned as it is: it may be another form of an institution.
    """
    if any(map(str.isdigit, text)) or ":" in text:
        return text
    try:
        bank = find_bank(text, "", country)
    except Rejected:
        return text
    return bank if _BIC.fullmatch(bank) or not country else f"{country}:{bank}"


@cache
def _by_code() -> Mapping[tuple[str, str], ShownBank]:
    """Return the banks that have a name, by country and BIC, and by country and code."""
    found: dict[tuple[str, str], ShownBank] = {}
    for bank in listed_banks():
        english = " ".join(map(_written, bank.name.split()))
        shown = ShownBank(bank.bic, *_THAI.get(bank.bic, (english, english)))
        if shown.english:
            found |= {(bank.country, code): shown for code in (bank.bic, *bank.codes)}
    return found


def _written(word: str) -> str:
    """Return a word of a bank's name with its capital letters."""
    if word in _SMALL:
        return word
    is_abbreviation = word in _ABBREVIATIONS or set(word).isdisjoint("aeiouy")
    return word.upper() if is_abbreviation and word.isascii() else word.capitalize()
