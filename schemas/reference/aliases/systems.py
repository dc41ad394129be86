"""The payment systems whose aliases are known: one entry each, which is all that another one takes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stdnum.au import abn, acn

from schemas.reference.aliases import forms
from schemas.reference.aliases.forms import ANY_PHONE, EMAIL, Form, mobile, number_of, phone, text_of


@dataclass(frozen=True)
class System:
    """A payment system: its name in data, what people call it, the forms of its aliases.

    ``links`` are expressions for addresses that hold an alias, its first group.
    """

    name: str
    forms: tuple[Form, ...]
    called: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


# Indian handles behind the @ by which a UPI id is known for one (NPCI's list, the common ones).
UPI_HANDLES = frozenset(
    {"apl", "axl", "axisbank", "barodampay", "hdfcbank", "ibl", "icici", "kotak", "okaxis", "okhdfcbank", "okicici"}
    | {"oksbi", "paytm", "ptaxis", "pthdfc", "ptsbi", "ptyes", "sbi", "upi", "waaxis", "wahdfcbank", "waicici", "wasbi"}
    | {"yapl", "ybl", "yesbank"}
)
_VPA = text_of(r"[a-z0-9.\-_]{2,256}@[a-z][a-z0-9]{2,64}", "name@bank, without a dot behind the @")
_HANDLE = text_of(r"(?=.*[a-z])[a-z0-9][a-z0-9._-]{1,39}", "a handle", "@")
_DEBIT = number_of(r"\d{5,7}", "5 to 7 digits")

_ENTRIES: tuple[System, ...] = (
    # Asia and the Pacific
    System(
        "promptpay",
        (
            mobile("TH"),
            forms.EMV_MOBILE,
            forms.THAI_PERSON,
            forms.THAI_COMPANY,
            number_of(r"\d{15}", "an e-wallet's number (15 digits)"),
        ),
        ("พร้อมเพย์", "prompt pay", "พร้อมเพ"),
    ),
    System("truemoney", (mobile("TH"),), ("true money", "truemoney wallet", "true wallet", "ทรูมันนี่", "ทรูวอลเล็ท")),
    System(
        "upi",
        (_VPA, mobile("IN")),
        ("upi id", "vpa", "bhim", "bhim upi", "phonepe", "paytm", "google pay", "gpay"),
        (r"upi://[a-z]*/?\?(?:[^#]*&)?pa=([^&#]+)(?:[&#].*)?",),
    ),
    System("paynow", (mobile("SG"), forms.UEN, forms.NRIC, forms.WITH_PROVIDER), ("pay now",)),
    System("duitnow", (mobile("MY"), forms.MYKAD, forms.MALAYSIAN_COMPANY), ("duit now", "duitnow id")),
    System("tng", (mobile("MY"),), ("touch n go", "tng ewallet", "touchngo")),
    System(
        "payid",
        (
            forms.AUSTRALIAN_PHONE,
            EMAIL,
            forms.checked(abn, r"\d{11}", "an ABN"),
            forms.checked(acn, r"\d{9}", "an ACN"),
            text_of(r"[a-z0-9&-]+(?:\.[a-z0-9&-]+)+", "an organisation's identifier with a dot in it"),
        ),
        ("pay id",),
    ),
    System("fps", (mobile("HK"), EMAIL, number_of(r"\d{7}|\d{9}", "an FPS ID (7 or 9 digits)")), ("轉數快", "fps id")),
    System("gcash", (mobile("PH"),)),
    System("maya", (mobile("PH"),), ("paymaya",)),
    System("gopay", (mobile("ID"),), ("go pay",)),
    System("ovo", (mobile("ID"),)),
    System("dana", (mobile("ID"),)),
    System("linkaja", (mobile("ID"),)),
    System("shopeepay", (mobile("ID"), mobile("TH"), mobile("MY"), mobile("VN"), mobile("PH")), ("shopee pay",)),
    System("momo", (mobile("VN"),), ("ví momo", "momo vn")),
    System("zalopay", (mobile("VN"),), ("zalo pay",)),
    System("bakong", (text_of(r"[a-z0-9._-]{2,32}@[a-z]{2,16}", "name@bank"),), ("khqr",)),
    System("kbzpay", (mobile("MM"),), ("kbz pay", "kpay")),
    System("wavepay", (mobile("MM"),), ("wave pay", "wave money")),
    System("bkash", (mobile("BD"),)),
    System("nagad", (mobile("BD"),)),
    System("easypaisa", (mobile("PK"),)),
    System("jazzcash", (mobile("PK"),)),
    System("raast", (mobile("PK"),)),
    System("esewa", (mobile("NP"), EMAIL)),
    System(
        "kakaopay",
        (mobile("KR"), forms.LINK_CODE),
        ("kakao pay", "카카오페이"),
        (r"https?://qr\.kakaopay\.com/([A-Za-z0-9]+)/?",),
    ),
    System("toss", (mobile("KR"), _HANDLE), ("토스",), (r"https?://toss\.me/([^/?#]+)/?",)),
    System("paypay", (mobile("JP"), text_of(r"(?=.*[a-z])[a-z0-9][a-z0-9_-]{2,19}", "a PayPay ID")), ("ペイペイ",)),
    System("alipay", (mobile("CN"), EMAIL, number_of(r"2088\d{12}", "an account's number (2088…)")), ("支付宝",)),
    # Europe
    System("bizum", (mobile("ES"), _DEBIT)),
    System("swish", (mobile("SE"), number_of(r"123\d{7}|90\d{5}", "a company's number (123… or 90…)"))),
    System("mobilepay", (mobile("DK"), mobile("FI"), number_of(r"\d{4,6}", "a box number"))),
    System("vipps", (mobile("NO"), _DEBIT)),
    System("twint", (mobile("CH"),)),
    System("blik", (mobile("PL"),)),
    System("mbway", (mobile("PT"),), ("mb way",)),
    System("satispay", (mobile("IT"),)),
    System("paylib", (mobile("FR"),)),
    System("wero", (mobile("DE"), mobile("FR"), mobile("BE"), mobile("NL"), EMAIL)),
    System("sbp", (mobile("RU"),), ("сбп", "система быстрых платежей")),
    System("qiwi", (ANY_PHONE, mobile("RU")), ("киви",)),
    System("yoomoney", (number_of(r"4100\d{7,16}", "a wallet's number (4100…)"),), ("юmoney", "яндекс деньги")),
    System("webmoney", (number_of(r"[ZREBKXGHLTVCUW]\d{12}", "a purse: a letter and 12 digits"),)),
    System(
        "revolut",
        (ANY_PHONE, _HANDLE),
        ("revtag", "revolut tag"),
        (r"(?:https?://)?revolut\.me/([^/?#]+)/?(?:[?#].*)?",),
    ),
    System(
        "wise",
        (_HANDLE, EMAIL),
        ("wisetag", "wise tag", "transferwise"),
        (r"(?:https?://)?(?:www\.)?wise\.com/pay/me/([^/?#]+)/?(?:[?#].*)?",),
    ),
    # Africa and the Middle East
    System("mpesa", (mobile("KE"), mobile("TZ"), mobile("MZ")), ("m pesa",)),
    System("mpesa-till", (_DEBIT,), ("till", "till number", "buy goods", "lipa na mpesa till", "m pesa till")),
    System("mpesa-paybill", (_DEBIT,), ("paybill", "paybill number", "m pesa paybill")),
    System("airtel-money", (ANY_PHONE,)),
    System("mtn-momo", (ANY_PHONE,), ("mtn mobile money", "mtn momo")),
    System("orange-money", (ANY_PHONE,)),
    System("opay", (mobile("NG"),)),
    System("palmpay", (mobile("NG"),)),
    System("payshap", (mobile("ZA"), text_of(r"\+27\d{9}@[a-z]{2,20}", "+27…@bank")), ("shapid",)),
    System("instapay-eg", (mobile("EG"), text_of(r"[a-z0-9._-]{2,40}@instapay", "name@instapay"))),
    System("aani", (mobile("AE"), EMAIL)),
    # The Americas
    System(
        "pix",
        (forms.BRAZILIAN_MOBILE, forms.CPF, forms.CNPJ, EMAIL, forms.UUID_KEY),
        ("chave pix", "pix key", "chave aleatória"),
    ),
    System("picpay", (_HANDLE,)),
    System("zelle", (phone("US"), EMAIL)),
    System(
        "venmo",
        (text_of(r"[a-z0-9_-]{5,30}", "a user name of 5 to 30 letters, digits, - and _", "@"),),
        (),
        (r"(?:https?://)?(?:www\.|account\.)?venmo\.com/(?:u/)?([^/?#]+)/?(?:[?#].*)?",),
    ),
    System(
        "cashapp",
        (text_of(r"(?=.*[a-z])[a-z0-9]{1,20}", "a $cashtag of up to 20 letters and digits", "$"),),
        ("cash app", "cashtag", "$cashtag"),
        (r"(?:https?://)?cash\.(?:app|me)/\$([^/?#]+)/?(?:[?#].*)?",),
    ),
    System(
        "paypal",
        (EMAIL, text_of(r"[a-z0-9]{1,20}", "the name behind paypal.me/", "@")),
        ("paypal.me", "paypalme"),
        (
            r"(?:https?://)?(?:www\.)?(?:paypal\.me|paypal\.com/paypalme)/([^/?#]+)(?:/[\d.,]*[A-Za-z]{0,3})?/?(?:[?#].*)?",
        ),
    ),
    System("interac", (EMAIL, phone("CA")), ("e transfer", "etransfer", "interac e transfer")),
    System("nequi", (mobile("CO"),)),
    System("daviplata", (mobile("CO"),)),
    System("yape", (mobile("PE"),)),
    System("plin", (mobile("PE"),)),
    System("dimo", (mobile("MX"),), ("codi",)),
    System(
        "alias-cbu",
        (text_of(r"(?=.*[a-z])[a-z0-9.-]{6,20}", "6 to 20 letters, digits, dots and dashes"),),
        ("cvu alias",),
    ),
    # The world over
    System("skrill", (EMAIL,), ("moneybookers",)),
    System("neteller", (EMAIL, number_of(r"45\d{10}", "an account's number (12 digits)"))),
    System("payoneer", (EMAIL,)),
    System("apple-cash", (phone("US"), EMAIL)),
    System("payeer", (number_of(r"P\d{7,12}", "P and digits"),)),
    System("perfect-money", (number_of(r"[UEG]\d{6,9}", "U, E or G and digits"),), ("perfectmoney",)),
    System("binance-pay", (number_of(r"\d{8,10}", "a pay ID of 8 to 10 digits"), EMAIL), ("binance pay id",)),
)
SYSTEMS: Mapping[str, System] = {system.name: system for system in _ENTRIES}

_PUNCTUATION = re.compile(r"[\s.,()/'\"&_-]+")


def _key(name: str) -> str:
    return _PUNCTUATION.sub("", name).casefold()


_BY_NAME = {_key(name): system for system in _ENTRIES for name in (system.name, *system.called)}


def _spellings() -> Iterable[str]:
    """Give expressions for all names, the longest first."""
    names = {name for system in _ENTRIES for name in (system.name, *system.called)}
    for name in sorted(names, key=len, reverse=True):
        yield r"[\s-]?".join(map(re.escape, re.split(r"[\s-]", name)))


_PREFIX = re.compile(
    rf"({'|'.join(_spellings())})(?:\s*[:：=|]\s*|\s+(?:id\s+|-\s+)?|(?<=[\u0e00-\u0e7f])(?=\d))(\S.*)", re.IGNORECASE
)
_LINKS = [(re.compile(link, re.IGNORECASE), system) for system in _ENTRIES for link in system.links]


def named(name: str) -> System | None:
    """Give the system that ``name`` names, in data's word or people's, None where none is known."""
    return _BY_NAME.get(_key(name))


def linked(text: str) -> tuple[System, str] | None:
    """Give the system and the alias that an address holds, None where ``text`` is no such address."""
    for link, system in _LINKS:
        if found := link.fullmatch(text):
            return system, found[1]
    return None


def parted(text: str) -> tuple[System, str] | None:
    """Give the system that stands before an alias and the alias, None where none does."""
    if (found := _PREFIX.fullmatch(text)) and (system := named(found[1])):
        return system, found[2].strip()
    return None
