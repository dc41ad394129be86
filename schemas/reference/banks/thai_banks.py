"""Banks of Thailand: codes, symbols and names that people write, and the BIC of each.

Codes are the Bank of Thailand's, BICs those of ISO 9362; both are facts. The short and long names are those of
casperstack/thai-banks-logo 1.0.7 (banks-logo.json, ISC licence), with the banks' own names and symbols beside them.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple


class ThaiBank(NamedTuple):
    """A bank: its codes, its BIC, the lengths of its account numbers (none: not known for sure), its names.

    ``shared`` names belong to a bank elsewhere too: they name the Thai one only if something else is Thai.
    """

    codes: str
    bic: str
    digits: tuple[int, ...]
    names: str
    shared: str = ""


_TEN = (10,)
_BANKS = (
    ThaiBank("002", "BKKBTHBK", _TEN, "bbl|กรุงเทพ|bangkok bank"),
    ThaiBank("004", "KASITHBK", _TEN, "kbank|กสิกรไทย|กสิกร|kasikorn bank|kasikornthai|k bank|kasikornthai bank"),
    ThaiBank("006", "KRTHTHBK", _TEN, "ktb|กรุงไทย|krungthai bank"),
    # Thanachart Bank went into TMB in 2021; some lists give the joint bank the code 076.
    ThaiBank(
        "011 076", "TMBKTHBK", _TEN, "ttb|tmb|ทีเอ็มบีธนชาต|ทหารไทยธนชาต|ทหารไทย|tmbthanachart bank|thai military bank"
    ),
    ThaiBank("014", "SICOTHBK", _TEN, "ไทยพาณิชย์|siam commercial bank|the siam commercial bank", "scb"),
    ThaiBank("025", "AYUDTHBK", _TEN, "bay|กรุงศรีอยุธยา|กรุงศรี|krungsri bank|bank of ayudhya"),
    ThaiBank("030", "GSBATHBK", (), "gsb|ออมสิน|government savings bank"),
    ThaiBank("033", "GOHUTHB1", (), "ghb|ธอส|อาคารสงเคราะห์|gh bank|government housing bank"),
    ThaiBank(
        "034",
        "BAABTHBK",
        (),
        "baac|ธกส|เพื่อการเกษตรและสหกรณ์การเกษตร|เพื่อการเกษตร|bank for agriculture and agricultural cooperatives",
    ),
    ThaiBank("066", "TIBTTHBK", (), "ibank|isbt|อิสลามแห่งประเทศไทย|อิสลาม|islamic bank of thailand"),
    ThaiBank("022", "UBOBTHBK", (), "cimbt|cimb thai bank|ซีไอเอ็มบี|ซีไอเอ็มบีไทย", "cimb|cimb bank"),
    ThaiBank("024", "UOVBTHBK", (), "uobt|uob thai|ยูโอบี|united overseas bank thai", "uob|united overseas bank"),
    ThaiBank("067", "TFPCTHB1", (), "tisco|ทิสโก้|tisco bank"),
    ThaiBank("069", "KKPBTHBK", (), "kkp|kk|เกียรตินาคินภัทร|เกียรตินาคิน|kiatnakin phatra bank|kiatnakin bank"),
    ThaiBank("071", "THCETHB1", (), "tcrb|tcd|tcb|ไทยเครดิต|ไทยเครดิตเพื่อรายย่อย|thai credit bank|thai credit retail bank"),
    ThaiBank("073", "LAHRTHB2", (), "lhb|lhbank|lhfg|แลนด์แอนด์เฮ้าส์|lh bank|land and houses bank"),
    ThaiBank("070", "ICBKTHBK", (), "icbct|icbc thai|icbc thai commercial bank|ไอซีบีซี|ไอซีบีซีไทย", "icbc"),
    ThaiBank("020", "SCBLTHBX", (), "scbt|สแตนดาร์ดชาร์เตอร์ด|สแตนดาร์ดชาร์เตอร์ดไทย", "standard chartered bank"),
    ThaiBank("017", "CITITHBX", (), "ซิตี้แบงก์|ซิตี้แบงค์", "citi|citibank"),
    ThaiBank("031", "HSBCTHBK", (), "เอชเอสบีซี|ฮ่องกงและเซี่ยงไฮ้แบงกิ้งคอร์ปอเรชั่น", "hsbc|hsbc bank"),
)
# BICs that a bank had before, or that lists still spell so.
FORMER_BICS = {"KIFITHB1": "KKPBTHBK", "LAHRTHB1": "LAHRTHB2"}
# Payment services, whose aliases are no accounts at a bank.
_NOT_BANKS = "promptpay|พร้อมเพย์|truemoney|true money|ทรูมันนี่|truemoney wallet|ทรูมันนี่วอลเล็ท|rabbit line pay|paotang|เป๋าตัง"

_PUNCTUATION = re.compile(r"[\s.,()/'\"&_-]+")
_BEFORE = re.compile(r"^(?:บริษัท|บมจ\.?)?\s*(?:ธนาคาร|ธ\.(?!.\.))?")
_BEHIND = re.compile(r"(?:จำกัด|มหาชน|publiccompanylimited|pcl|plc|coltd|limited|ltd)+$".replace("ำ", "ํา"))
_THAI = re.compile(r"[\u0e01-\u0e2e]")


class ThaiBankName(NamedTuple):
    """The bank that a name means, and whether banks elsewhere have that name too."""

    bank: ThaiBank
    shared: bool


def _key(name: str) -> str:
    """Return a name without its form of company, punctuation and case."""
    name = _BEFORE.sub("", unicodedata.normalize("NFKC", name).casefold().strip())
    return _BEHIND.sub("", _PUNCTUATION.sub("", name))


def _keys(names: str) -> Iterator[str]:
    """Yield the keys of names, with and without the word bank at the end."""
    for name in filter(None, names.split("|")):
        key = _key(name)
        yield key
        if key.endswith("bank") and len(key) > len("bank") + 2:
            yield key.removesuffix("bank")


_BY_NAME: dict[str, ThaiBankName] = {}
for _bank in _BANKS:
    _BY_NAME |= {key: ThaiBankName(_bank, shared=True) for key in _keys(_bank.shared)}
    _BY_NAME |= {key: ThaiBankName(_bank, shared=False) for key in _keys(f"{_bank.names}|{_bank.bic}")}
    # Codes of three digits are other countries' too.
    _BY_NAME |= {code: ThaiBankName(_bank, shared=True) for code in _bank.codes.split()}
_BY_NAME |= {_key(old): _BY_NAME[_key(new)] for old, new in FORMER_BICS.items()}
_SERVICES = {_key(name) for name in _NOT_BANKS.split("|")}
_BY_BIC = {bank.bic: bank for bank in _BANKS}


@lru_cache(maxsize=1024)
def find(name: str) -> ThaiBankName | None:
    """Return the bank that ``name`` means, by code, symbol, BIC, Thai or English name; None if it means none."""
    return _BY_NAME.get(_key(name))


def all_names() -> Iterator[str]:
    """Yield all symbols and names of the banks, as people write them."""
    for bank in _BANKS:
        yield from filter(None, f"{bank.names}|{bank.shared}".split("|"))


def bank_codes() -> Iterator[tuple[str, str, list[str], str]]:
    """Yield the country, the BIC, the codes and a name of each bank."""
    for bank in _BANKS:
        yield "TH", bank.bic, bank.codes.split(), max(filter(str.isascii, bank.names.split("|")), key=len, default="")


def is_payment_service(name: str) -> bool:
    """Return True if ``name`` is a payment service that people take for a bank."""
    return _key(name) in _SERVICES


def account_lengths(bic: str) -> tuple[int, ...]:
    """Return the lengths of account numbers of the bank with ``bic``, none if they are not known for sure."""
    bank = _BY_BIC.get(bic)
    return bank.digits if bank else ()


def has_thai_letters(text: str) -> bool:
    """Return True if ``text`` contains Thai letters."""
    return _THAI.search(text) is not None
