"""Numbers of identity documents beside a word for them are found in any grouping; other numbers pass. All invented."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from mappers import extension
from schemas.errors import Rejected
from server.release.guard.personal_data import documents, objects
from server.release.guard.personal_data.free_text import find_personal_data, may_contain_personal_data

# Countries with words for their documents, and an invented number of that form.
FORMS = {
    "Thailand": ("หนังสือเดินทาง", "AA1234567", "เลขประจำตัวประชาชน", "1234567890123", "ใบขับขี่", "61001234"),
    "Viet Nam": ("hộ chiếu số", "B1234567", "căn cước công dân", "012345678901", "giấy phép lái xe", "790123456789"),
    "Indonesia": ("nomor paspor", "C1234567", "KTP", "3171234567890123", "surat izin mengemudi", "123456789012"),
    "Malaysia": ("nombor pasport", "A12345678", "kad pengenalan", "901231145678", "lesen memandu", "0123456"),
    "Singapore": ("passport", "K1234567E", "NRIC", "S1234567Z", "work permit", "G1234567P"),
    "Philippines": ("pasaporte", "P1234567A", "UMID", "001112345678", "lisensya sa pagmamaneho", "N0112345678"),
    "China": ("护照号码", "E12345678", "身份证号", "110101199001011234", "驾驶证", "110123456789"),
    "Taiwan": ("護照號碼", "312345678", "身分證字號", "A12345678", "居留證", "AC01234567"),
    "Hong Kong": ("passport no.", "K01234567", "HK identity card", "A1234567", "driving licence", "A123456"),
    "Japan": ("パスポート番号は", "TK1234567", "マイナンバー", "123456789012", "在留カード", "AB12345678CD"),
    "Korea": ("여권번호", "M12345678", "주민등록번호", "9001011234567", "운전면허 번호", "112012345612"),
    "India": ("पासपोर्ट नंबर", "J1234567", "आधार", "123456789012", "मतदाता पहचान पत्र", "ABC1234567"),
    "Pakistan": ("پاسپورٹ نمبر", "AB1234567", "CNIC", "3520212345671", "driving license no", "LE12345678"),
    "Bangladesh": ("পাসপোর্ট নং", "BX0123456", "জাতীয় পরিচয়পত্র", "1234567890", "NID card", "19901234567890123"),
    "Myanmar": ("နိုင်ငံကူးလက်မှတ် အမှတ်", "MC123456", "မှတ်ပုံတင်", "123456", "ယာဉ်မောင်းလိုင်စင်", "12345618"),
    "Cambodia": ("លិខិតឆ្លងដែន លេខ", "N01234567", "អត្តសញ្ញាណប័ណ្ណ", "012345678", "ប័ណ្ណបើកបរ", "PP1234567"),
    "Laos": ("ໜັງສືຜ່ານແດນ ເລກທີ", "PA0123456", "ບັດປະຈຳຕົວ", "01234567", "ໃບຂັບຂີ່", "0123456"),
    "Spain": ("pasaporte n.º", "XDA123456", "DNI", "12345678A", "permiso de conducir", "12345678B"),
    "Mexico": ("pasaporte", "G12345678", "clave de elector", "ABCDEF90010109H100", "licencia de manejo", "A1234567"),
    "Colombia": ("pasaporte", "AR123456", "cédula de ciudadanía", "1012345678", "cédula de extranjería", "123456"),
    "Brazil": ("passaporte", "FZ123456", "CPF", "12345678900", "carteira de habilitação", "01234567890"),
    "Portugal": ("passaporte", "CB123456", "cartão de cidadão", "123456789ZZ1", "carta de condução", "L1234567"),
    "France": ("passeport n°", "12AB34567", "carte d'identité", "123456789012", "titre de séjour", "1234567890"),
    "Germany": ("Reisepass Nr.", "C01X00T47", "Personalausweis", "L01X00T471", "Führerscheinnummer", "B072RRE2I55"),
    "Italy": ("passaporto", "YA1234567", "carta d'identità", "CA12345AB", "patente di guida", "U1H234567V"),
    "Russia": ("паспорт", "4509123456", "СНИЛС", "12345678900", "водительское удостоверение", "9912345678"),
    "Egypt": ("جواز السفر رقم", "A12345678", "الرقم القومي", "29001011234567", "رخصة القيادة", "12345678901234"),
    "United Kingdom": (
        "passport number",
        "123456789",
        "national insurance",
        "QQ123456C",
        "driving licence",
        "DOE99712345",
    ),
    "United States": ("Passport", "A12345678", "social security number", "987654321", "driver's license", "D1234567"),
    "Turkey": ("pasaport", "U12345678", "kimlik no", "12345678901", "sürücü belgesi", "123456"),
    "Poland": ("paszport", "AA1234567", "dowód osobisty", "ABC123456", "karta pobytu", "RR1234567"),
    "Sweden": ("passnummer", "12345678", "personnummer", "199001011234", "körkort", "900101-1234"),
}
CASES = [
    (country, word, number)
    for country, said in FORMS.items()
    for word, number in zip(said[::2], said[1::2], strict=True)
]
THAI_DIGITS = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def grouped(number: str, separator: str, size: int = 3) -> str:
    return separator.join(number[start : start + size] for start in range(0, len(number), size))


SPELLINGS: dict[str, Callable[[str, str], str]] = {
    "with a colon": lambda word, number: f"{word}: {number}",
    "blanks, with a name": lambda word, number: f"{word}: {grouped(number, ' ')} of Jane Doe",
    "hyphens": lambda word, number: f"{word} {grouped(number, '-', 4)}",
    "dots": lambda word, number: f"He showed {word} {grouped(number, '.')}, then left",
    "slashes": lambda word, number: f"{word}={grouped(number, '/', 2)}",
    "full width": lambda word, number: f"{word}：{number.translate(FULL_WIDTH)}",
    "Thai digits": lambda word, number: f"{word} {grouped(number, ' - ', 4)}".translate(THAI_DIGITS),
    "invisible characters": lambda word, number: f"{word} {grouped(number, chr(0x200B), 1)}",
    "capitals, line break": lambda word, number: f"{word.upper()}\n{number}\nJane Doe",
    "after a name": lambda word, number: f"{word} Jane Doe {number}",
    "before the word": lambda word, number: f"Jane Doe, {grouped(number, ' ', 4)} ({word})",
}
HARMLESS = Path(__file__).with_name("documents_harmless.txt").read_text(encoding="utf-8").splitlines()
TEXT = "passport: AA 123 4567 of Jane Doe"


@pytest.mark.parametrize("country", FORMS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_document_of_every_country_is_found_in_every_spelling(country: str, spelling: str) -> None:
    texts = [SPELLINGS[spelling](word, number) for place, word, number in CASES if place == country]
    assert [text for text in texts if not may_contain_personal_data(text)] == []
    assert [text for text in texts if find_personal_data(text, ()) is None] == []


def test_harmless_numbers_pass() -> None:
    assert len(set(HARMLESS)) >= 300
    assert [text for text in HARMLESS if find_personal_data(text, ()) is not None] == []


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "passport of Jane Doe, number 123 45 678",
        "Jane Doe (passport AA1234567)",
        "AA1234567 is her passport number",
        "AA 123 4567, the passport of Jane Doe",
        "identity card of the victim jane doe: 12345678",
        "her passport, issued on 12/03/2026, is no. AA1234567",
        "case 2026-000123: passport AA1234567",
        "paid 5,000 baht, passport A12345678",
        "passport%20AA%20123%204567",
        "passport AA-*123*-4567",
        "PASSPORT_NO_AA1234567",
        "tax number of Jane Doe: 123 45 6789",
        "passport 1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣",
        "ho chieu so B1234567",
        "паспорт серия 45 09 номер 123456",
        "ပတ်စပို့ ၁၂၃၄၅၆၇",
    ],
)
def test_document_is_found_beside_other_words(text: str) -> None:
    assert find_personal_data(text, ()) == documents.DOCUMENT


@pytest.mark.parametrize(
    "text",
    [
        "p\u0430ssport: AA1234567",
        "p\u0430ss\u0440\u043ert AA 123 4567",
        "\u0420\u0410\u0405\u0405\u0420\u041eR\u0422: \u0410\u04101234567",
        "dr\u0456v\u0456ng l\u0456\u0441\u0435ns\u0435 61001234",
        "DRIVING L\u0399CENCE 61001234",
        "\u041a\u0422\u0420 123456",
        "\u0441\u00e9dul\u0430 de ciudadan\u00eda 1012345678",
        "\u043f\u0430c\u043f\u043e\u0440\u0442 4509 123456",
        "\uff50\uff41\uff53\uff53\uff50\uff4f\uff52\uff54 \uff11\uff12\uff13\uff14\uff15\uff16\uff17",
        "pass\u200bp\u00adort no. 12 34 567",
    ],
    ids=ascii,
)
def test_document_in_letters_that_look_alike_is_found(text: str) -> None:
    assert may_contain_personal_data(text)
    assert find_personal_data(text, ()) == documents.DOCUMENT


IN_TWO_TEXTS: list[tuple[str, dict[str, Any]]] = [
    ("document_number", {"document_type": "passport", "document_number": "AA1234567"}),
    ("document_number", {"document_number": 12345678, "document_type": "passport"}),
    ("labels", {"labels": ["passport", "AA1234567"]}),
    ("labels", {"labels": ["scam", "passport", "AA", "1234567"]}),
    ("content", {"abstract": "passport", "content": "AA 123 4567"}),
    ("content", {"abstract": "passport of Jane Doe", "content": "AA 123 4567"}),
    ("content", {"content": "AA-123-4567, Jane Doe", "abstract": "Passport"}),
    ("description", {"labels": ["p\u0430ssport"], "description": "ＡＡ１２３４５６７"}),
    ("description", {"name": "hộ chiếu", "description": "B1234567"}),
    ("nr", {"x_deep": [{"kind_of_paper": "บัตรประชาชน", "nr": "๑๒๓๔๕๖๗๘"}]}),
    ("id", {"x_victim_paper": {"type": "driver's license", "id": "D1234567"}}),
    ("external_id", {"external_references": [{"source_name": "passport", "external_id": "AA1234567"}]}),
]
HARMLESS_IN_TWO_TEXTS: list[dict[str, Any]] = [
    {"labels": ["passport"], "x_case": "1234567"},
    {"labels": ["passport", "scam"], "x_invoice_number": "20261234"},
    {"labels": ["passport"], "x_count": 12500},
    {"labels": ["passport"], "x_seen": "2026-03-12"},
    {"labels": ["passport"], "x_version": "2.10.12345"},
    {"labels": ["passport"], "x_size": {"bytes": 1234567}},
    {"labels": ["fake passport"], "name": "AA1234567"},
    {"labels": ["passport"], "description": "2026-03-12T08:00:00Z"},
    {"labels": ["passport"], "description": "203.0.113.25"},
    {"abstract": "Passport scam", "content": "12345 reports since May"},
    {"abstract": "passport", "content": "12345 people lost money"},
    {"abstract": "passport", "content": "see case 2026-123456"},
    {"external_references": [{"source_name": "passport office", "external_id": "12345678"}]},
    {"name": "They ask for a passport", "description": "12345678"},
]


@pytest.mark.parametrize(("name", "said"), IN_TWO_TEXTS, ids=str)
def test_word_and_number_in_two_texts_of_an_object_are_found(name: str, said: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match=f"^personal-data: {name}: it seems to contain {documents.DOCUMENT}"):
        objects.refuse_personal_data({"type": "note", "created": "2026-10-01T08:00:00.000Z", **said})


@pytest.mark.parametrize("said", HARMLESS_IN_TWO_TEXTS, ids=str)
def test_other_texts_beside_a_documents_word_pass(said: dict[str, Any]) -> None:
    objects.refuse_personal_data({"type": "note", "created": "2026-10-01T08:00:00.000Z", **said})


@pytest.mark.parametrize("word", ["passport", "บัตรประชาชน", "driving licence"])
def test_harmless_texts_pass_beside_a_label(word: str) -> None:
    refused = []
    for text in HARMLESS:
        try:
            objects.refuse_personal_data({"type": "note", "labels": [word, "scam"], "content": text})
        except Rejected as refusal:
            refused.append((text, refusal.message))
    assert refused == []


def _objects() -> Iterator[tuple[str, dict[str, Any]]]:
    pattern = "[domain-name:value = 'shop.example.com']"
    for type_, names in {
        "indicator": ("name", "description", "x_remark"),
        "note": ("content", "abstract"),
        "opinion": ("explanation",),
        "grouping": ("name", "description"),
        "identity": ("name", "description", "x_remark"),
        "sighting": ("description",),
        "relationship": ("description",),
        "report": ("name", "description"),
        "course-of-action": ("name", "description"),
    }.items():
        for name in names:
            yield name, {"type": type_, "created": "2026-05-01T08:00:00.000Z", "pattern": pattern, name: TEXT}
        yield "labels", {"type": type_, "labels": ["scam", TEXT]}
        yield "description", {"type": type_, "external_references": [{"source_name": "bank", "description": TEXT}]}
        yield "reference", {"type": type_, "extensions": {extension.ID: {"reference": TEXT}}}
        yield "er", {"type": type_, "x_deep": [{"er": TEXT}]}
    yield "description", {"type": "language-content", "contents": {"th": {"description": TEXT}}}
    yield "passport_nr", {"type": "note", "passport_nr": "AA 123 4567"}
    yield "x_driving_licence", {"type": "note", "x_driving_licence": 12345678}
    yield "a property", {"type": "note", "x_people": {TEXT: True}}


@pytest.mark.parametrize(("name", "obj"), list(_objects()), ids=str)
def test_every_text_of_an_object_is_searched_and_the_property_named(name: str, obj: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refused:
        objects.refuse_personal_data(obj)
    assert refused.value.reason == "personal-data"
    assert refused.value.message.startswith(f"{name}: it seems to contain {documents.DOCUMENT}")
    assert not any(character.isdigit() for character in refused.value.message)


def test_a_case_number_like_a_document_is_not_published() -> None:
    assert objects.could_be_personal_number(TEXT)
    assert not objects.could_be_personal_number("CASE-AA1234567")


def test_an_indicator_may_repeat_its_own_number() -> None:
    assert find_personal_data("tax number 123456789", ()) == documents.DOCUMENT
    assert find_personal_data("tax number 123456789", (), frozenset({"123456789"})) is None


@pytest.mark.parametrize(
    "piece",
    [
        "passport ",
        "passport 12 ",
        "AA 12 ",
        "1-",
        "no ",
        "passport no no ",
        "ID card of 2026-01-01 ",
        "บัตรประชาชน 1 ",
        "(",
        "1,234,",
    ],
)
def test_search_is_linear_in_the_length_of_a_text(piece: str) -> None:
    short, long = (_lines_run(piece * (length // len(piece))) for length in (4_000, 16_000))
    assert long < 5 * short + 200


def _lines_run(text: str) -> int:
    """Return the number of lines that the search of a text runs."""
    lines = 0

    def count(_frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        documents.has_number(text, lambda _: True)
    finally:
        sys.settrace(before)
    return lines
