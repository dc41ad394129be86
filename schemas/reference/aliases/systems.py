"""Payment systems whose aliases are known, one entry each; a new system is one more entry."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stdnum.au import abn, acn

from schemas.reference.aliases import forms
from schemas.reference.aliases.forms import (
    ANY_PHONE,
    EMAIL,
    AliasForm,
    handle_form,
    mobile_form,
    number_form,
    phone_form,
)


@dataclass(frozen=True)
class PaymentSystem:
    """A payment system: its name in data, the names that people call it, the forms of its aliases.

    ``links`` are patterns of addresses that contain an alias, as their first group.
    """

    name: str
    forms: tuple[AliasForm, ...]
    called: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


# Indian handles behind the @ by which a UPI id is known for one (NPCI's list, the common ones).
UPI_HANDLES = frozenset(
    {"apl", "axl", "axisbank", "barodampay", "hdfcbank", "ibl", "icici", "kotak", "okaxis", "okhdfcbank", "okicici"}
    | {"oksbi", "paytm", "ptaxis", "pthdfc", "ptsbi", "ptyes", "sbi", "upi", "waaxis", "wahdfcbank", "waicici", "wasbi"}
    | {"yapl", "ybl", "yesbank"}
)
_VPA = handle_form(r"[a-z0-9.\-_]{2,256}@[a-z][a-z0-9]{2,64}", "name@bank, without a dot behind the @")
_HANDLE = handle_form(r"(?=.*[a-z])[a-z0-9][a-z0-9._-]{1,39}", "a handle", "@")
_DEBIT = number_form(r"\d{5,7}", "5 to 7 digits")

_ENTRIES: tuple[PaymentSystem, ...] = (
    # Asia and the Pacific
    PaymentSystem(
        "promptpay",
        (
            mobile_form("TH"),
            forms.EMV_MOBILE,
            forms.THAI_PERSON,
            forms.THAI_COMPANY,
            number_form(r"\d{15}", "an e-wallet's number (15 digits)"),
        ),
        ("พร้อมเพย์", "prompt pay", "พร้อมเพ"),
    ),
    PaymentSystem(
        "truemoney", (mobile_form("TH"),), ("true money", "truemoney wallet", "true wallet", "ทรูมันนี่", "ทรูวอลเล็ท")
    ),
    PaymentSystem(
        "upi",
        (_VPA, mobile_form("IN")),
        ("upi id", "vpa", "bhim", "bhim upi", "phonepe", "paytm", "google pay", "gpay"),
        (r"upi://[a-z]*/?\?(?:[^#]*&)?pa=([^&#]+)(?:[&#].*)?",),
    ),
    PaymentSystem("paynow", (mobile_form("SG"), forms.UEN, forms.NRIC, forms.WITH_PROVIDER), ("pay now",)),
    PaymentSystem("duitnow", (mobile_form("MY"), forms.MYKAD, forms.MALAYSIAN_COMPANY), ("duit now", "duitnow id")),
    PaymentSystem("tng", (mobile_form("MY"),), ("touch n go", "tng ewallet", "touchngo")),
    PaymentSystem(
        "payid",
        (
            forms.AUSTRALIAN_PHONE,
            EMAIL,
            forms.register_form(abn, r"\d{11}", "an ABN"),
            forms.register_form(acn, r"\d{9}", "an ACN"),
            handle_form(r"[a-z0-9&-]+(?:\.[a-z0-9&-]+)+", "an organisation's identifier with a dot in it"),
        ),
        ("pay id",),
    ),
    PaymentSystem(
        "fps",
        (mobile_form("HK"), EMAIL, number_form(r"\d{7}|\d{9}", "an FPS ID (7 or 9 digits)")),
        ("轉數快", "fps id"),
    ),
    PaymentSystem("gcash", (mobile_form("PH"),)),
    PaymentSystem("maya", (mobile_form("PH"),), ("paymaya",)),
    PaymentSystem("gopay", (mobile_form("ID"),), ("go pay",)),
    PaymentSystem("ovo", (mobile_form("ID"),)),
    PaymentSystem("dana", (mobile_form("ID"),)),
    PaymentSystem("linkaja", (mobile_form("ID"),)),
    PaymentSystem(
        "shopeepay",
        (mobile_form("ID"), mobile_form("TH"), mobile_form("MY"), mobile_form("VN"), mobile_form("PH")),
        ("shopee pay",),
    ),
    PaymentSystem("momo", (mobile_form("VN"),), ("ví momo", "momo vn")),
    PaymentSystem("zalopay", (mobile_form("VN"),), ("zalo pay",)),
    PaymentSystem("bakong", (handle_form(r"[a-z0-9._-]{2,32}@[a-z]{2,16}", "name@bank"),), ("khqr",)),
    PaymentSystem("kbzpay", (mobile_form("MM"),), ("kbz pay", "kpay")),
    PaymentSystem("wavepay", (mobile_form("MM"),), ("wave pay", "wave money")),
    PaymentSystem("bkash", (mobile_form("BD"),)),
    PaymentSystem("nagad", (mobile_form("BD"),)),
    PaymentSystem("easypaisa", (mobile_form("PK"),)),
    PaymentSystem("jazzcash", (mobile_form("PK"),)),
    PaymentSystem("raast", (mobile_form("PK"),)),
    PaymentSystem("esewa", (mobile_form("NP"), EMAIL)),
    PaymentSystem(
        "kakaopay",
        (mobile_form("KR"), forms.LINK_CODE),
        ("kakao pay", "카카오페이"),
        (r"https?://qr\.kakaopay\.com/([A-Za-z0-9]+)/?",),
    ),
    PaymentSystem("toss", (mobile_form("KR"), _HANDLE), ("토스",), (r"https?://toss\.me/([^/?#]+)/?",)),
    PaymentSystem(
        "paypay", (mobile_form("JP"), handle_form(r"(?=.*[a-z])[a-z0-9][a-z0-9_-]{2,19}", "a PayPay ID")), ("ペイペイ",)
    ),
    PaymentSystem(
        "alipay", (mobile_form("CN"), EMAIL, number_form(r"2088\d{12}", "an account's number (2088…)")), ("支付宝",)
    ),
    # Europe
    PaymentSystem("bizum", (mobile_form("ES"), _DEBIT)),
    PaymentSystem("swish", (mobile_form("SE"), number_form(r"123\d{7}|90\d{5}", "a company's number (123… or 90…)"))),
    PaymentSystem("mobilepay", (mobile_form("DK"), mobile_form("FI"), number_form(r"\d{4,6}", "a box number"))),
    PaymentSystem("vipps", (mobile_form("NO"), _DEBIT)),
    PaymentSystem("twint", (mobile_form("CH"),)),
    PaymentSystem("blik", (mobile_form("PL"),)),
    PaymentSystem("mbway", (mobile_form("PT"),), ("mb way",)),
    PaymentSystem("satispay", (mobile_form("IT"),)),
    PaymentSystem("paylib", (mobile_form("FR"),)),
    PaymentSystem("wero", (mobile_form("DE"), mobile_form("FR"), mobile_form("BE"), mobile_form("NL"), EMAIL)),
    PaymentSystem("sbp", (mobile_form("RU"),), ("сбп", "система быстрых платежей")),
    PaymentSystem("qiwi", (ANY_PHONE, mobile_form("RU")), ("киви",)),
    PaymentSystem(
        "yoomoney", (number_form(r"4100\d{7,16}", "a wallet's number (4100…)"),), ("юmoney", "яндекс деньги")
    ),
    PaymentSystem("webmoney", (number_form(r"[ZREBKXGHLTVCUW]\d{12}", "a purse: a letter and 12 digits"),)),
    PaymentSystem(
        "revolut",
        (ANY_PHONE, _HANDLE),
        ("revtag", "revolut tag"),
        (r"(?:https?://)?revolut\.me/([^/?#]+)/?(?:[?#].*)?",),
    ),
    PaymentSystem(
        "wise",
        (_HANDLE, EMAIL),
        ("wisetag", "wise tag", "transferwise"),
        (r"(?:https?://)?(?:www\.)?wise\.com/pay/me/([^/?#]+)/?(?:[?#].*)?",),
    ),
    # Africa and the Middle East
    PaymentSystem("mpesa", (mobile_form("KE"), mobile_form("TZ"), mobile_form("MZ")), ("m pesa",)),
    PaymentSystem("mpesa-till", (_DEBIT,), ("till", "till number", "buy goods", "lipa na mpesa till", "m pesa till")),
    PaymentSystem("mpesa-paybill", (_DEBIT,), ("paybill", "paybill number", "m pesa paybill")),
    PaymentSystem("airtel-money", (ANY_PHONE,)),
    PaymentSystem("mtn-momo", (ANY_PHONE,), ("mtn mobile money", "mtn momo")),
    PaymentSystem("orange-money", (ANY_PHONE,)),
    PaymentSystem("opay", (mobile_form("NG"),)),
    PaymentSystem("palmpay", (mobile_form("NG"),)),
    PaymentSystem("payshap", (mobile_form("ZA"), handle_form(r"\+27\d{9}@[a-z]{2,20}", "+27…@bank")), ("shapid",)),
    PaymentSystem("instapay-eg", (mobile_form("EG"), handle_form(r"[a-z0-9._-]{2,40}@instapay", "name@instapay"))),
    PaymentSystem("aani", (mobile_form("AE"), EMAIL)),
    # The Americas
    PaymentSystem(
        "pix",
        (forms.BRAZILIAN_MOBILE, forms.CPF, forms.CNPJ, EMAIL, forms.UUID_KEY),
        ("chave pix", "pix key", "chave aleatória"),
    ),
    PaymentSystem("picpay", (_HANDLE,)),
    PaymentSystem("zelle", (phone_form("US"), EMAIL)),
    PaymentSystem(
        "venmo",
        (handle_form(r"[a-z0-9_-]{5,30}", "a user name of 5 to 30 letters, digits, - and _", "@"),),
        (),
        (r"(?:https?://)?(?:www\.|account\.)?venmo\.com/(?:u/)?([^/?#]+)/?(?:[?#].*)?",),
    ),
    PaymentSystem(
        "cashapp",
        (handle_form(r"(?=.*[a-z])[a-z0-9]{1,20}", "a $cashtag of up to 20 letters and digits", "$"),),
        ("cash app", "cashtag", "$cashtag"),
        (r"(?:https?://)?cash\.(?:app|me)/\$([^/?#]+)/?(?:[?#].*)?",),
    ),
    PaymentSystem(
        "paypal",
        (EMAIL, handle_form(r"[a-z0-9]{1,20}", "the name behind paypal.me/", "@")),
        ("paypal.me", "paypalme"),
        (
            r"(?:https?://)?(?:www\.)?(?:paypal\.me|paypal\.com/paypalme)/([^/?#]+)(?:/[\d.,]*[A-Za-z]{0,3})?/?(?:[?#].*)?",
        ),
    ),
    PaymentSystem("interac", (EMAIL, phone_form("CA")), ("e transfer", "etransfer", "interac e transfer")),
    PaymentSystem("nequi", (mobile_form("CO"),)),
    PaymentSystem("daviplata", (mobile_form("CO"),)),
    PaymentSystem("yape", (mobile_form("PE"),)),
    PaymentSystem("plin", (mobile_form("PE"),)),
    PaymentSystem("dimo", (mobile_form("MX"),), ("codi",)),
    PaymentSystem(
        "alias-cbu",
        (handle_form(r"(?=.*[a-z])[a-z0-9.-]{6,20}", "6 to 20 letters, digits, dots and dashes"),),
        ("cvu alias",),
    ),
    # The world over
    PaymentSystem("skrill", (EMAIL,), ("moneybookers",)),
    PaymentSystem("neteller", (EMAIL, number_form(r"45\d{10}", "an account's number (12 digits)"))),
    PaymentSystem("payoneer", (EMAIL,)),
    PaymentSystem("apple-cash", (phone_form("US"), EMAIL)),
    PaymentSystem("payeer", (number_form(r"P\d{7,12}", "P and digits"),)),
    PaymentSystem("perfect-money", (number_form(r"[UEG]\d{6,9}", "U, E or G and digits"),), ("perfectmoney",)),
    PaymentSystem("binance-pay", (number_form(r"\d{8,10}", "a pay ID of 8 to 10 digits"), EMAIL), ("binance pay id",)),
)
SYSTEMS: Mapping[str, PaymentSystem] = {system.name: system for system in _ENTRIES}

_PUNCTUATION = re.compile(r"[\s.,()/'\"&_-]+")


def _key(name: str) -> str:
    return _PUNCTUATION.sub("", name).casefold()


_BY_NAME = {_key(name): system for system in _ENTRIES for name in (system.name, *system.called)}


def _spellings() -> Iterable[str]:
    """Yield patterns of all names, the longest first."""
    names = {name for system in _ENTRIES for name in (system.name, *system.called)}
    for name in sorted(names, key=len, reverse=True):
        yield r"[\s-]?".join(map(re.escape, re.split(r"[\s-]", name)))


_PREFIX = re.compile(
    rf"({'|'.join(_spellings())})(?:\s*[:：=|]\s*|\s+(?:id\s+|-\s+)?|(?<=[\u0e00-\u0e7f])(?=\d))(\S.*)", re.IGNORECASE
)
_LINKS = [(re.compile(link, re.IGNORECASE), system) for system in _ENTRIES for link in system.links]


def find(name: str) -> PaymentSystem | None:
    """Return the system that ``name`` means, as data or people write it; None if none is known."""
    return _BY_NAME.get(_key(name))


def read_link(text: str) -> tuple[PaymentSystem, str] | None:
    """Return the system and the alias in an address, None if ``text`` is no such address."""
    for link, system in _LINKS:
        if found := link.fullmatch(text):
            return system, found[1]
    return None


def split_system_and_alias(text: str) -> tuple[PaymentSystem, str] | None:
    """Return the system in front of an alias, and the alias; None if no system is in front."""
    if (found := _PREFIX.fullmatch(text)) and (system := find(found[1])):
        return system, found[2].strip()
    return None
