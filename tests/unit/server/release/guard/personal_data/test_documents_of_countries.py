"""Documents of some fifty countries are found by their names and abbreviations, in sentences of their languages.

``documents_planted.txt`` has the language, the word and the number of each document. All numbers are invented.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from stdnum.br import cpf
from stdnum.in_ import aadhaar, pan
from stdnum.my import nric
from stdnum.th import pin
from stdnum.za import idnr

from server.release.guard.personal_data.free_text import find_personal_data, may_contain_personal_data

PLANTED = [
    line.split("|")
    for line in Path(__file__).with_name("documents_planted.txt").read_text(encoding="utf-8").splitlines()
]
WORDS = ["|".join(row[:2]) for row in PLANTED]
ENGLISH = ["Victim data: {w} {n}, phone withheld", "Copy of {w}\n{n}\nreceived", "{n} is his {w}", "number {n} ({w})"]
SENTENCES = {
    "en": ENGLISH,
    "th": ["ผู้เสียหายส่ง{w}เลขที่ {n} ให้คนร้าย", "{w}ของผู้เสียหายคือ {n}", "{n} เป็น{w}ของผู้แจ้ง", "{w}\n{n}"],
    "vi": ["Nạn nhân đã gửi {w} số {n}", "{w} của nạn nhân là {n}", "{n} là số {w} của bà ấy", "{w}\n{n}"],
    "id": ["Korban mengirim {w} nomor {n}", "{w} korban adalah {n}", "{n} adalah {w} korban", "{w}\n{n}"],
    "ms": ["Mangsa menghantar {w} nombor {n}", "{w} mangsa ialah {n}", "{n} ialah {w} mangsa", "{w}\n{n}"],
    "tl": ["Ipinadala ng biktima ang {w} number {n}", "Ang {w} niya ay {n}", "{n} ang {w} ng biktima", "{w}\n{n}"],
    "zh": ["受害人的{w}是{n}", "骗子索要{w}号码 {n}", "{n}是受害人的{w}", "上传了{w}（{n}）"],
    "zt": ["受害人的{w}是{n}", "騙徒索取{w}號碼 {n}", "{n}是受害人的{w}", "上傳了{w}（{n}）"],
    "ja": ["被害者の{w}は{n}です", "{w}番号 {n} を送った", "{n}は被害者の{w}です", "{w}（{n}）の写真"],
    "ko": ["피해자의 {w}는 {n}입니다", "{w} 번호 {n} 전송", "{n}은 피해자의 {w}", "{w}({n}) 사진을 보냄"],
    "km": ["{w}របស់ជនរងគ្រោះគឺ {n}", "ផ្ញើ{w}លេខ {n}", "{n} ជា{w}របស់ជនរងគ្រោះ", "រូបថត{w} ({n})"],
    "lo": ["{w}ຂອງຜູ້ເສຍຫາຍແມ່ນ {n}", "ສົ່ງ{w}ເລກທີ {n}", "{n} ແມ່ນ{w}ຂອງຜູ້ເສຍຫາຍ", "ຮູບ{w} ({n})"],
    "my": ["သူမ၏{w}သည် {n}", "{w}အမှတ် {n} ပို့ခဲ့သည်", "{n} သည် သူ၏{w}ဖြစ်သည်", "{w} ({n}) ဓာတ်ပုံ"],
    "hi": ["पीड़ित का {w} {n} है", "ठग को {w} नंबर {n} दिया", "{n} पीड़ित का {w} है", "{w} ({n}) की फोटो"],
    "bn": ["ভুক্তভোগীর {w} হল {n}", "{w} নম্বর {n} পাঠানো হয়েছে", "{n} ভুক্তভোগীর {w}", "{w} ({n}) এর ছবি"],
    "pt": ["A vítima enviou o {w} número {n}", "O {w} dela é {n}", "{n} é o {w} da vítima", "golpista tem {n} ({w})"],
    "es": ["La víctima envió su {w} número {n}", "Su {w} es {n}", "{n} es el {w} de la víctima", "tiene {n} ({w})"],
    "fr": ["La victime a envoyé son {w} n° {n}", "Son {w} est {n}", "{n} est le {w} de la victime", "{w}\n{n}"],
    "de": ["Das Opfer schickte {w} Nummer {n}", "Ihre {w} lautet {n}", "{n} ist die {w} des Opfers", "{w}\n{n}"],
    "ru": ["Потерпевшая отправила {w} номер {n}", "Её {w} — {n}", "{n} — это {w} потерпевшей", "{w}\n{n}"],
    "ar": ["أرسلت الضحية {w} رقم {n}", "{w} الخاص بها هو {n}", "{n} هو {w} للضحية", "لدى المحتال {n} ({w})"],
    "tr": ["Mağdur {w} numarası {n} gönderdi", "Mağdurun {w} {n}", "{n} mağdurun {w}", "{w}\n{n}"],
    "it": ["La vittima ha inviato {w} n. {n}", "Il suo {w} è {n}", "{n} è il {w} della vittima", "{w}\n{n}"],
    "nl": ["Het slachtoffer stuurde {w} nr. {n}", "Haar {w} is {n}", "{n} is het {w} van het slachtoffer", "{w}\n{n}"],
    "pl": ["Ofiara wysłała {w} numer {n}", "Jej {w} to {n}", "{n} to {w} ofiary", "{w}\n{n}"],
}
SENTENCES |= {"ur": SENTENCES["ar"], "ne": SENTENCES["hi"]}
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
LOOK_ALIKES = str.maketrans("ABCEHKMOPTX", "АВСЕНКМОРТХ")
DIGITS = [str.maketrans("0123456789", digits) for digits in ("๐๑๒๓๔๕๖๗๘๙", "០១២៣៤៥៦៧៨៩", "٠١٢٣٤٥٦٧٨٩", "၀၁၂၃၄၅၆၇၈၉")]


def joined(number: str) -> str:
    return "".join(filter(str.isalnum, number))


def grouped(number: str, separator: str, size: int) -> str:
    """Return a number in other groups, except one whose groups are part of its form."""
    plain = joined(number)
    if "(" in number and "/" in number:
        return number
    return separator.join(plain[start : start + size] for start in range(0, len(plain), size))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "lower case": str.lower,
    "full width": lambda number: number.translate(FULL_WIDTH),
    "native digits": lambda number: number.translate(DIGITS[len(number) % len(DIGITS)]),
    "look-alike letters": lambda number: number.translate(LOOK_ALIKES),
    "invisible characters": lambda number: "\u200b".join(number),
    "no-break spaces": lambda number: grouped(number, "\u00a0", 3),
    "thin spaces": lambda number: grouped(number, "\u2009", 3),
    "dots": lambda number: grouped(number, ".", 3),
    "dashes": lambda number: grouped(number, " – ", 3),
    "slashes": lambda number: grouped(number, "/", 3),
}


def test_planted_documents_are_many() -> None:
    assert len(PLANTED) >= 150
    assert len(SENTENCES) >= 25


@pytest.mark.parametrize("row", PLANTED, ids=WORDS)
def test_document_is_found_in_sentences_of_its_language(row: list[str]) -> None:
    language, word, number = row
    texts = [
        sentence.format(w=word.lower() if spelling == "lower case" else word, n=spell(number))
        for sentence in SENTENCES[language]
        for spelling, spell in SPELLINGS.items()
    ]
    assert [text for text in texts if not may_contain_personal_data(text) or find_personal_data(text, ()) is None] == []


@pytest.mark.parametrize(
    "text",
    [
        "They already had her P.A.N. (CKLPS4410B) when they called",
        "KYC form shows ID no.#6604235012087",
        "Somchai's ID number is 31234567",
        "使用了受害人的PAN CKLPS4410B",
        "tax file no. korban: 923456781",
        "passport number ending in 1234567",
        "ID card 12345678 stolen from the victim",
        "12/ကမန(နိုင်)၁၂၃၄၅၆",
        "12/KaMaNa(N)123456",
        "sent to CKLPS4410B",
    ],
)
def test_document_is_found_beside_these_words(text: str) -> None:
    assert may_contain_personal_data(text)
    assert find_personal_data(text, ()) is not None


@pytest.mark.parametrize(
    "text",
    [
        "LINE ID number 88412093",
        "Zoom ID no. 812 3456 7890",
        "order ID number 88412093",
        "the user's ID number 88412093",
        "USB VID 1234567",
        "IC 74HC595",
        "complaint filed under IC3 number 2026110412345",
        "UTR 412209887341 of the transfer",
        "FIN12345678",
        "EPIC Games 12345678",
        "RG 59 cable",
        "FIN-2026-Alert001",
        "RFC 2822 and RFC 5321",
        "Passport office hotline 1-877-487-2778",
        "Hotline CCCD 1900 0368",
        "สายด่วนบัตรประชาชน 02 123 4567",
        "ID card scam, call +91 98765 43213",
        "voter cards 1234567 printed",
        "CKLCS441",
        "part CKL1S4410B",
    ],
)
def test_number_of_another_thing_passes(text: str) -> None:
    assert find_personal_data(text, ()) in (None, "a person's telephone number")


@pytest.mark.parametrize("separator", ["", " ", ".", "-", "/", "\u00a0"])
@pytest.mark.parametrize(
    ("number", "is_valid"),
    [
        ("8001015009087", idnr.is_valid),
        ("234123412346", aadhaar.is_valid),
        ("11144477735", cpf.is_valid),
        ("3100600445635", pin.is_valid),
        ("770305021234", nric.is_valid),
        ("CKLPS4410B", pan.is_valid),
    ],
)
def test_valid_number_is_found_near_a_word_in_any_groups(
    number: str, is_valid: Callable[[str], bool], separator: str
) -> None:
    assert is_valid(number)
    text = f"{grouped(number, separator, 4)} was given as the citizen's PAN or other ID"
    assert find_personal_data(text, ()) is not None
