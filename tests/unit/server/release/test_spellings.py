"""An erasure finds a value in each spelling in which a reader understands it, by its index, and in no other text."""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from schemas import beginnings
from server.release import spellings
from server.store.item import compact

Write = Callable[[str], str]

WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
ENGLISH = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
THAI = ["ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า"]
IN_WORDS: Mapping[str, list[str]] = {
    "English": ENGLISH,
    "English with oh": ["oh", *ENGLISH[1:]],
    "Thai": THAI,
    "Thai in Latin letters": ["soon", "nueng", "song", "sam", "si", "ha", "hok", "chet", "paet", "kao"],
    "Chinese": list("零一二三四五六七八九"),
    "Chinese for telephones": list("〇幺两三四五六七八九"),
    "Vietnamese": ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"],
    "Vietnamese without marks": ["khong", "mot", "hai", "ba", "bon", "nam", "sau", "bay", "tam", "chin"],
    "Indonesian": ["nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan"],
    "Malay": ["kosong", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "lapan", "sembilan"],
    "Khmer": ["សូន្យ", "មួយ", "ពីរ", "បី", "បួន", "ប្រាំ", "ប្រាំមួយ", "ប្រាំពីរ", "ប្រាំបី", "ប្រាំបួន"],
    "Lao": ["ສູນ", "ໜຶ່ງ", "ສອງ", "ສາມ", "ສີ່", "ຫ້າ", "ຫົກ", "ເຈັດ", "ແປດ", "ເກົ້າ"],
    "Burmese": ["သုည", "တစ်", "နှစ်", "သုံး", "လေး", "ငါး", "ခြောက်", "ခုနစ်", "ရှစ်", "ကိုး"],
    "Filipino": ["sero", "isa", "dalawa", "tatlo", "apat", "lima", "anim", "pito", "walo", "siyam"],
    "Korean": list("공일이삼사오육칠팔구"),
    "Japanese": ["ゼロ", "いち", "に", "さん", "よん", "ご", "ろく", "なな", "はち", "きゅう"],
    "Hindi": ["शून्य", "एक", "दो", "तीन", "चार", "पाँच", "छह", "सात", "आठ", "नौ"],
    "Spanish": ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"],
    "Portuguese": ["zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove"],
    "French": ["zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"],
    "German": ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"],
    "Russian": ["ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"],
    "Arabic": ["صفر", "واحد", "اثنان", "ثلاثة", "أربعة", "خمسة", "ستة", "سبعة", "ثمانية", "تسعة"],
}
DIGITS = {
    "Thai": "๐๑๒๓๔๕๖๗๘๙",
    "Arabic": "٠١٢٣٤٥٦٧٨٩",
    "Khmer": "០១២៣៤៥៦៧៨៩",
    "Burmese": "၀၁၂၃၄၅၆၇၈၉",
    "Devanagari": "०१२३४५६७८९",
    "bold": "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
    "circled": "⓪①②③④⑤⑥⑦⑧⑨",
}


def in_words(words: list[str], between: str = " ") -> Write:
    return lambda value: between.join(words[int(char)] if char.isdecimal() else char for char in value)


def translated(before: str, after: str) -> Write:
    return lambda value: value.translate(str.maketrans(before, after))


def replaced(before: str, after: str) -> Write:
    return lambda value: value.replace(before, after)


def is_always(text: str) -> Write:
    return lambda _: text


def with_doubles(value: str) -> str:
    """Return digits in words, two equal ones as "double five"."""
    found, place = [], 0
    while place < len(value):
        times = 2 if value[place : place + 2] == value[place] * 2 and value[place].isdecimal() else 1
        word = ENGLISH[int(value[place])] if value[place].isdecimal() else value[place]
        found.append(f"double {word}" if times > 1 else word)
        place += times
    return " ".join(found)


def base64_of(value: str) -> str:
    return base64.b64encode(f"pay to {value} now".encode()).decode()


OF_ALL: dict[str, Write] = {
    "as it is": str,
    "capitals": str.upper,
    "full width": lambda value: value.translate(WIDE),
    "percent-encoded": lambda value: "".join(f"%{octet:02X}" for octet in value.encode()),
    "twice percent-encoded": lambda value: "".join(f"%25{octet:02X}" for octet in value.encode()),
    "entities": lambda value: "".join(f"&#{ord(char)};" for char in value),
    "Base64": base64_of,
    "zero-width spaces": "\u200b".join,
    "soft hyphen": lambda value: f"{value[:3]}\u00ad{value[3:]}",
    "right-to-left override": lambda value: f"{value[:2]}\u202e{value[2:]}",
}
SPACED: dict[str, Write] = {
    "spaced": " ".join,
    "full width and spaced": lambda value: " ".join(value.translate(WIDE)),
    "no-break spaces": "\u00a0".join,
    "over lines": "\n".join,
}
OF_NUMBERS: dict[str, Write] = {
    **{f"in {name} words": in_words(words) for name, words in IN_WORDS.items()},
    **{f"{name} digits": translated("0123456789", row) for name, row in DIGITS.items()},
    "in capital words": lambda value: in_words(ENGLISH)(value).upper(),
    "in full-width words": lambda value: in_words(ENGLISH)(value).translate(WIDE),
    "in words without blanks": in_words(THAI, ""),
    "in words with hyphens": in_words(ENGLISH, "-"),
    "in words with commas": in_words(ENGLISH, ", "),
    "half in words": lambda value: " ".join(
        ENGLISH[int(char)] if place % 2 and char.isdecimal() else char for place, char in enumerate(value)
    ),
    "double": with_doubles,
    "words in Base64": lambda value: base64_of(in_words(ENGLISH)(value)),
    "keycaps": lambda value: "".join(f"{char}\ufe0f\u20e3" if char.isdecimal() else char for char in value),
    **{f"with {sign}": sign.join for sign in ".-_/|*~,=#:"},
    "with dashes": "–".join,
    "with dots in the middle": "·".join,
    "with bullets": " • ".join,
    "in brackets": lambda value: "".join(f"({char})" for char in value),
    "padded": lambda value: f"00{value}",
}
_STOPS = [
    "[.]",
    "(.)",
    "{.}",
    "【.】",
    "<.>",
    "[dot]",
    "(DOT)",
    "[d0t]",
    "[จุด]",
    "(จุด)",
    "[点]",
    "[punto]",
    "[titik]",
    "[.",
    ".]",
    "\\.",
    "。",
    "｡",
    "&#46;",
]
OF_NAMES: dict[str, Write] = {
    **{stop: replaced(".", stop) for stop in _STOPS},
    **{f"_{word}_": replaced(".", f" {word} ") for word in ("dot", "DOT", "จุด", ".", "[.]")},
    "look-alikes": translated("aeopcx", "аеорсх"),
}
_SIGNS = ("[at]", "(at)", " at ", " (at) ", "[@]", " @ ", " [arroba] ", "(แอท)", "＠")
OF_MAILBOXES: dict[str, Write] = {
    **{sign: replaced("@", sign) for sign in _SIGNS},
    "at dot": lambda value: value.replace("@", " at ").replace(".", " dot "),
}
OF_URLS: dict[str, Write] = {
    "hxxp": lambda value: value.replace("http", "hxxp"),
    "hxxp[:]//": lambda value: value.replace("https://", "hxxps[:]//"),
    "[://]": lambda value: value.replace("https://", "hxxps[://]"),
    "no scheme": lambda value: value.partition("://")[2],
    "www": lambda value: value.replace("://", "://www."),
    "port": lambda value: value.replace("/pay", ":443/pay"),
    "[/]": lambda value: value.replace("/pay", "[/]pay"),
}


# The kind, the value, the part of it that people write, and its spellings.
_IDN, _LINK = "xn--42c5b3a1dc8kd.example.net", "https://evil-shop.example.com/pay?id=77"
VALUES: list[tuple[str, str, str, dict[str, Write]]] = [
    ("domain", "evil-shop.example.com", "evil-shop.example.com", {**SPACED, **OF_NAMES}),
    ("domain", _IDN, _IDN, {**OF_NAMES, "Thai": is_always(_IDN.encode().decode("idna"))}),
    ("url", _LINK, _LINK, {**OF_NAMES, **OF_URLS}),
    ("email", "scam.mer@evil.example.com", "scam.mer@evil.example.com", {**SPACED, **OF_NAMES, **OF_MAILBOXES}),
    ("ip", "192.0.2.77", "192.0.2.77", {name: write for name, write in OF_NAMES.items() if name != "look-alikes"}),
    ("ip", "2001:db8::77", "2001:db8::77", {
        "all zeros": is_always("2001:0db8:0000:0000:0000:0000:0000:0077"),
        "all groups": is_always("2001:db8:0:0:0:0:0:77"),
        "[:]": lambda value: value.replace(":", "[:]"),
        "in brackets": lambda value: f"[{value}]:443",
    }),
    ("phone", "+66812345678", "+66812345678", {
        **SPACED, **OF_NUMBERS,
        **{f"national, {name}": is_always(in_words(words)("0812345678")) for name, words in IN_WORDS.items()},
        "national": is_always("081-234-5678"),
        "(0)": is_always("+66 (0)81 234 5678"),
        "00": is_always("0066 81 234 5678"),
        "001": is_always("001 66 81 234 5678"),
    }),
    ("phone", "+6591188833", "91188833", {**SPACED, **OF_NUMBERS}),
    ("payment-alias", "promptpay:+66812345678", "0812345678", {**SPACED, **OF_NUMBERS}),
    ("payment-alias", "upi:scam99@upi", "scam99@upi", OF_MAILBOXES),
    ("bank-account", "TH:KASITHBK:1234567890", "1234567890", {**SPACED, **OF_NUMBERS}),
    ("bank-account", "SG:DBSSSGSG:0011223344", "0011223344", {**SPACED, **OF_NUMBERS}),
    ("bank-account", "DE89370400440532013000", "DE89370400440532013000", {
        **SPACED,
        "groups": is_always("DE89 3704 0044 0532 0130 00"),
        "words": lambda value: f"DE {in_words(ENGLISH)(value[2:])}",
    }),
    ("wallet", "0x52908400098527886e0f7030069857d2e4169ee7", "0x52908400098527886E0F7030069857D2E4169EE7", {
        **SPACED,
        "without 0x": lambda value: value[2:],
        "with its chain": lambda value: f"eip155:1:{value}",
    }),
    ("wallet", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", SPACED),
    ("social-account", "facebook:scamshop99", "scamshop99", {
        **SPACED,
        "dots": is_always("@Scam.Shop.99"),
        "page": is_always("https://www.facebook.com/scam.shop99"),
    }),
    ("social-account", "telegram:joe99", "joe99", {
        "sign": is_always("@joe99"),
        "page": is_always("https://t.me/joe99"),
    }),
    ("social-account", "telegram:jimmy", "@jimmy", {
        "page": is_always("t.me/jimmy"),
        "name": is_always("Telegram: jimmy"),
    }),
    ("social-account", "facebook:100000000000001", "100000000000001", OF_NUMBERS),
    ("app", "android:com.evil.loan", "com.evil.loan", {
       **SPACED, "page": is_always("https://play.google.com/store/apps/details?id=com.evil.loan")}),
    ("app", "ios:id1234567890", "id1234567890", {"page": is_always("https://apps.apple.com/th/app/loan/id1234567890")}),
    ("company", "TH:0105536000311", "0105536000311", {**SPACED, **OF_NUMBERS}),
]  # fmt: skip
SENTENCES = ("pay to {} now", "ติดต่อ {} ด่วน", "{}", 'it is "{}".', "(see {})")


def cases() -> Iterator[Any]:
    for kind, value, part, own in VALUES:
        for name, write in {**OF_ALL, **own}.items():
            yield pytest.param(kind, value, part, write, id=f"{kind} {value} {name}")


@pytest.mark.parametrize(("kind", "value", "part", "write"), list(cases()))
def test_each_spelling_is_found_by_the_index_and_erased(kind: str, value: str, part: str, write: Write) -> None:
    spelled = spellings.of([(kind, value)])
    for sentence in SENTENCES:
        text = sentence.format(write(part))
        assert spelled.is_in(compact({"description": text})), text
        assert spelled.beginnings is None or beginnings.of_text(text) & spelled.beginnings, text
        cleaned = spelled.cleaned(text)
        assert "[erased]" in cleaned
        assert not spelled.is_in(cleaned.encode())
        assert not spelled.is_in(compact({"description": cleaned}))


HARMLESS = (
    "seen twice, one of the two callers spoke English and one spoke Thai, three or four times",
    "หนึ่งในสองคนโทรมาสามครั้ง แปดโมงเช้า",
    "call 0812345679 or 0912345678",
    "the account 91234567890 and the account 12345678901",
    "zero eight one two three four five six seven nine",
    "double check the number of five reports at nine o'clock",
    "evil-shop.example.org, shop.example.com and my-evil-shop.example.common",
    "look at the dot in the name",
    "mail scam.mers@evil.example.com",
    "192.0.2.7 and 192.0.2.177, version 1.192.0",
    "2001:db8::7",
    "jimmy told us, and joe 99 years later",
    "on 2026-01-12 at 12:34:56, 1,234,567 baht, case 12345/6789",
    "com.evil.loans",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp",
    "100000000000002",
    "the fee is 0.012345678 ETH",
)


@pytest.mark.parametrize("text", HARMLESS)
def test_another_text_stays(text: str) -> None:
    for kind, value, _, _ in VALUES:
        spelled = spellings.of([(kind, value)])
        assert not spelled.is_in(compact({"description": text})), value
        assert spelled.cleaned(text) == text
