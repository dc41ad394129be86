"""Values in running text: notation, positions where they count, and words that are no values."""

import time
from io import BytesIO

import pytest
from hypothesis import given, settings, strategies as st

from feeds import formats
from feeds.readers.extraction.cues import TextPurpose, purpose_of
from feeds.readers.extraction.outline import Outline
from feeds.readers.extraction.values import find_candidates
from feeds.readers.rows import Row, Unreadable
from schemas.refang import refang
from tests.searches import WHOLE, examples


def read(text: str) -> list[Row | Unreadable]:
    return list(formats.read(BytesIO(text.encode()), format="prose"))


def values(text: str) -> list[str]:
    return [row.fields["value"] for row in read(text) if isinstance(row, Row)]


def reasons(text: str) -> list[str]:
    return [row.reason for row in read(text) if isinstance(row, Unreadable)]


DEFANGED = [
    "hxxps[:]//pay[.]example[.]com/x?a=(01)-2",
    "hxxps://pay.example[.]com/x?a=(01)-2",
    "hxxps[://]pay[.]example[.]com/x?a=(01)-2",
    "hXXps://pay(.)example(.)com/x?a=(01)-2",
    "h**ps://pay.example.com/x?a=(01)-2",
    "https[:]//pay{.}example{.}com/x?a=(01)-2",
    "https://pay[dot]example[dot]com/x?a=(01)-2",
    "hxxps:[//]pay.example.com/x?a=(01)-2",
    "meows://pay.example.com/x?a=(01)-2",
    "hxxps://pay\\.example\\.com/x?a=(01)-2",
    "hxxps://pay [.] example [.] com/x?a=(01)-2",
]
SENTENCES = [
    "{}",
    "- {}",
    "They open {}.",
    "They open ({}), then pay.",
    'Go to "{}"!',
    "กด{}แล้วโอน",
    "> * {} - seen 2026-01-01",
]


@pytest.mark.parametrize("written", DEFANGED)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_defanged_url_is_found_at_any_position(sentence: str, written: str) -> None:
    (value,) = values(sentence.format(written) + "\n")
    # Without a blank, adjacent text extends the URL, since URLs may contain any letters.
    assert refang(value).removesuffix("แล้วโอน") == "https://pay.example.com/x?a=(01)-2"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("bad[.]example[.]com", "bad.example.com"),
        ("bad(dot)example(dot)com", "bad.example.com"),
        ("bad.example[.]com", "bad.example.com"),
        ("bad[.example[.com", "bad.example.com"),
        ("bücher[.]example[.]com", "bücher.example.com"),
        ("192[.]0[.]2[.]7", "192.0.2.7"),
        ("192.0.2[.]7", "192.0.2.7"),
        ("someone[at]example[.]com", "someone@example.com"),
        ("someone(@)example.com", "someone@example.com"),
        ("hxxp://name@bad[.]example[.]com/", "http://name@bad.example.com/"),
    ],
)
def test_names_addresses_and_mailboxes_are_found_when_defanged(written: str, value: str) -> None:
    assert [refang(found) for found in values(f"We have seen {written} in many messages of late.\n")] == [value]


@pytest.mark.parametrize(
    "words",
    [
        "Open report.pdf or setup.exe and then readme.md.",
        "Version 1.2.3.4 of node.js came at 12:30:45 e.g. with U.S. money.",
        "The digest is d41d8cd98f00b204e9800998ecf8427e and da39a3ee5e6b4b0d3255bfef95601890afd80709.",
        "The digest is e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.",
        "Reported between 2026-01-01 and 2026-02-01; ids AB12 CDEF and 550e8400-e29b-41d4-a716-446655440000.",
    ],
)
def test_words_that_are_no_values_yield_nothing(words: str) -> None:
    assert read(words + "\n") == []


@pytest.mark.parametrize("plain", ["https://example.org/news", "someone@example.com", "+66 81 234 5678"])
def test_plain_values_in_a_sentence_are_refused_with_advice(plain: str) -> None:
    (row,) = read(f"For all of this we thank the people near {plain}.\n")
    assert isinstance(row, Unreadable)
    assert (row.raw, row.reason) == (plain, "not-marked")
    assert plain not in row.message


@pytest.mark.parametrize(
    "heading", ["## Indicators", "DOMAINS:", "**Phishing URLs**", "# เว็บไซต์หลอกลวง", "Scam sites:"]
)
def test_plain_values_are_accepted_in_lists(heading: str) -> None:
    assert values(f"{heading}\n\n- a.example.com\n- https://b.example.com/x (since May)\n") == [
        "a.example.com",
        "https://b.example.com/x",
    ]


@pytest.mark.parametrize("heading", ["## References", "SOURCES:", "**Further reading**", "# แหล่งที่มา", "Contact:"])
@pytest.mark.parametrize("value", ["https://example.org/news", "hxxps[:]//example[.]org/news"])
def test_source_references_yield_nothing(heading: str, value: str) -> None:
    assert reasons(f"{heading}\n\n- {value}\n") == ["not-a-report"]


def test_a_new_heading_ends_the_purpose_of_the_last_one() -> None:
    sources, notes = "## References\n\nhttps://example.org/1\n\n", "## Notes\n\nSee b.example.com as well.\n"
    text = f"{sources}## Domains\n\na.example.com\n\n{notes}"
    assert values(text) == ["a.example.com"]


@pytest.mark.parametrize("label", ["Registrar", "Name server 1", "Legitimate site", "Victim"])
def test_a_value_with_an_innocent_label_is_not_accepted(label: str) -> None:
    assert reasons(f"DOMAINS:\n\n- {label}: www.example[.]net\n") == ["not-a-report"]


def test_labels_name_the_coin_and_the_platform() -> None:
    rows = read("WALLETS:\n\nBTC: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\nTelegram: @example_handle\n")
    assert [dict(row.fields) for row in rows if isinstance(row, Row)] == [
        {"value": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "kind": "wallet", "currency": "BTC"},
        {"value": "@example_handle", "kind": "social-account", "platform": "telegram"},
    ]


def test_columns_of_a_table_name_the_purpose_of_their_cells() -> None:
    table = "| Domain | Reference |\n|---|---|\n| a.example.com | https://example.org/1 |\n| b[.]example[.]com | - |\n"
    assert formats.recognise(table.encode()) == "prose"
    assert values(table) == ["a.example.com", "b[.]example[.]com"]
    assert reasons(table) == ["not-a-report"]


def test_code_is_read_if_it_is_a_value_and_no_program() -> None:
    text = "It opens `https://a.example.com/x` first.\n\n```\nb.example.com\nimport os.name from https://example.org/x\n```\n"
    assert values(text) == ["https://a.example.com/x", "b.example.com"]


def test_a_link_of_markdown_is_a_source() -> None:
    assert reasons("Read [what the bank says](https://example.org/scams) about it before you pay.\n") == ["not-marked"]


def test_ibans_end_where_words_in_capitals_begin() -> None:
    assert values("PAY TO DE89 3704 0044 0532 0130 00 SOON PLEASE\n") == ["DE89 3704 0044 0532 0130 00"]


def test_list_is_no_prose_despite_its_names() -> None:
    names = "\n".join(f"my-bank-is-so-good-{number}.example.com" for number in range(50)).encode()
    assert formats.recognise(names, "names.txt") == "list"
    assert formats.recognise(b"# These are all the names that we know of.\n" + names) == "list"
    assert formats.recognise("\n".join(["Example Trading Company Limited (Thailand)"] * 9).encode()) == "list"


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("Indicators of compromise", TextPurpose.VALUES),
        ("38 domains registered in October", TextPurpose.VALUES),
        ("Social media accounts", TextPurpose.VALUES),
        ("Reported phone numbers", TextPurpose.VALUES),
        ("References", TextPurpose.SOURCES),
        ("Source links", TextPurpose.SOURCES),
        ("Tweet", TextPurpose.SOURCES),
        ("Legitimate domains", TextPurpose.INNOCENT),
        ("File names", TextPurpose.INNOCENT),
        ("SHA256 of samples", TextPurpose.WORDS),
        ("Notes", None),
        ("ROOT DOMAINS RELATED TO THIS CAMPAIGN", TextPurpose.VALUES),
        ("SCAMMER CONTACT NUMBERS", TextPurpose.VALUES),
        ("เบอร์ติดต่อของมิจฉาชีพ", TextPurpose.VALUES),
        ("บัญชีที่ผู้เสียหายโอนเงิน", TextPurpose.VALUES),
        ("ลิงก์ที่ส่งให้เหยื่อ", TextPurpose.VALUES),
        ("Tài khoản nạn nhân chuyển tiền đến", TextPurpose.VALUES),
        ("受害人转入账户", TextPurpose.VALUES),
        ("PHISHING DOMAINS HOSTED ON LEGITIMATE SERVICES", TextPurpose.VALUES),
        ("DOMAINS IMPERSONATING OFFICIAL SITES", TextPurpose.VALUES),
        ("关于仿冒银行官方网站的安全通告", TextPurpose.VALUES),
        ("Fake hotline numbers", TextPurpose.VALUES),
        ("บัญชีของผู้เสียหาย", TextPurpose.INNOCENT),
        ("บัญชีที่ผู้เสียหายใช้โอนเงิน", TextPurpose.INNOCENT),
        ("Số điện thoại của nạn nhân", TextPurpose.INNOCENT),
        ("受害人账户", TextPurpose.INNOCENT),
        ("Victims' phone numbers", TextPurpose.INNOCENT),
        ("เว็บไซต์ทางการของธนาคาร", TextPurpose.INNOCENT),
        ("Trang web chính thức của ngân hàng", TextPurpose.INNOCENT),
        ("官方网站", TextPurpose.INNOCENT),
        ("Our own domains (do not block)", TextPurpose.INNOCENT),
        ("Brands impersonated", TextPurpose.INNOCENT),
        ("LEGITIMATE SITES IMPERSONATED BY THE SHOPS", TextPurpose.INNOCENT),
        ("Name server 1", TextPurpose.INNOCENT),
        ("Report scams to", TextPurpose.CONTACT),
        ("แจ้งเบาะแสมิจฉาชีพ", TextPurpose.CONTACT),
        ("สายด่วน", TextPurpose.CONTACT),
        ("举报电话", TextPurpose.CONTACT),
        ("Đường dây nóng", TextPurpose.CONTACT),
        ("Contact numbers", TextPurpose.NEWS),
        ("เส้นทางการเงิน", None),
        ("How to avoid fake websites", TextPurpose.WORDS),
    ],
)
def test_headings_name_the_purpose_of_the_lines_below(words: str, place: TextPurpose | None) -> None:
    assert purpose_of(words) is place


def test_heading_without_a_purpose_inherits_the_higher_one() -> None:
    outline = Outline()
    for line in ("# Indicators", "## Campaign A"):
        assert outline.heading(line)
    assert outline.purpose is TextPurpose.VALUES
    assert outline.heading("# The end")
    assert outline.purpose is TextPurpose.WORDS


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("The real site is bank[.]example[.]org; the fake one is a[.]example[.]com.", ["a.example.com"]),
        ("Fake: a[.]example[.]com (real: bank[.]example[.]org)", ["a.example.com"]),
        ("They use a[.]example[.]com, which copies the official site bank[.]example[.]org.", ["a.example.com"]),
        ("a[.]example[.]com (legitimate shop, do not block)", []),
        ("a[.]example[.]com is not the official site.", ["a.example.com"]),
        ("NEWS:\n\n- a[.]example[.]com", ["a.example.com"]),
        ("REFERENCES:\n\n- a[.]example[.]com\n- hxxps[:]//news[.]example[.]org/2026/x", ["a.example.com"]),
        ("Report suspicious messages to phishing[at]bank[.]example[.]org.", []),
        ("All share the name server ns1[.]example[.]org.", []),
        ("(2/5) They resolve to 192.0.2[.]7 and 192.0.2[.]8.", ["192.0.2.7", "192.0.2.8"]),
        ("诈骗网址\n1.hxxps://a[.]example[.]com/x\n2.b.example.net", ["https://a.example.com/x", "b.example.net"]),
        ("DOMAINS:\n\n- 1.example[.]com\n- 2.example[.]com", ["1.example.com", "2.example.com"]),
    ],
)
def test_defanged_value_is_accepted_unless_called_legitimate(text: str, taken: list[str]) -> None:
    assert [refang(value) for value in values(text + "\n")] == taken


def columns(text: str) -> list[dict[str, str]]:
    return [dict(row.fields) for row in read(text + "\n") if isinstance(row, Row)]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("KBANK 123-4-56789-0", {"bank": "KBANK"}),
        ("บัญชีที่ผู้เสียหายโอนเงิน:\n- KBANK 123-4-56789-0", {"bank": "KBANK", "country": "TH"}),
        ("โอนเงินไปที่ กสิกรไทย 123-4-56789-0 ชื่อบัญชี นาย ก. เมื่อวันที่ 3 มีนาคม", {"bank": "กสิกรไทย", "country": "TH"}),
        ("MULE ACCOUNTS\n\nBank: KBANK\nAccount: 123-4-56789-0", {"bank": "KBANK"}),
        ("MULE ACCOUNTS\n\nAccount: 123-4-56789-0\nBank: KBANK", {"bank": "KBANK"}),
        ("จากบัญชี SCB 111-2-33333-4 ไปยังบัญชี KTB 123-4-56789-0", {"bank": "KTB", "country": "TH"}),
    ],
)
def test_account_is_found_next_to_its_bank(text: str, fields: dict[str, str]) -> None:
    (found,) = columns(text)
    assert found["value"] == "123-4-56789-0"
    assert found["kind"] == "bank-account"
    assert found.items() >= fields.items()


@pytest.mark.parametrize(
    "text",
    [
        "บัญชีของผู้เสียหาย\nKBANK 123-4-56789-0",
        "ผู้เสียหายโอนจากบัญชี KBANK 123-4-56789-0 เมื่อวันที่ 3 มีนาคม",
        "ร่วมบริจาคช่วยเหลือได้ที่ KBANK 123-4-56789-0",
        "เบอร์ผู้เสียหาย: 081-234-5678",
        "ผู้เสียหายใช้เบอร์ 081-234-5678 ติดต่อกับคนร้าย",
        "หากพบเห็นโปรดแจ้งที่ 081-866-3000 หรือสายด่วน 1441",
        "Victim's phone: +66 81 234 5678",
        "The victim paid from GB29 NWBK 6016 1331 9268 19.",
        "Hotline: +66 2 123 4567",
        "Liên hệ: 0912 345 678",
        "举报邮箱:jubao@police.example.org",
        "DOMAINS:\n\n- a[.]example[.]com\n\nKind regards,\nSam\n+66 2 123 4567 | sam@bank.example.org",
        "From: Jane <jane@mail.example.org>\nTo: report@cert.example.org",
    ],
)
def test_values_of_victims_and_helpers_are_refused(text: str) -> None:
    rows = read(text + "\n")
    assert [row.fields["value"] for row in rows if isinstance(row, Row)] in ([], ["a[.]example[.]com"])
    assert "not-a-report" in [row.reason for row in rows if isinstance(row, Unreadable)]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("เบอร์มิจฉาชีพ: ๐๘๑-๒๓๔-๕๖๗๘", {"kind": "phone", "country": "TH"}),
        ("Số điện thoại lừa đảo: 0912.345.678", {"kind": "phone", "country": "VN"}),
        ("诈骗电话:13123456789", {"kind": "phone", "country": "CN"}),
        ("มิจฉาชีพใช้เบอร์ 081-234-5678 โทรหาผู้เสียหาย", {"kind": "phone", "country": "TH"}),
        ("โอนเข้า พร้อมเพย์ 081-234-5678 บัญชีคนร้าย", {"kind": "payment-alias", "system": "promptpay"}),
        ("ไลน์ของคนร้าย: @scam168", {"kind": "social-account", "platform": "line"}),
        ("Fake LINE accounts:\n- @scam168", {"kind": "social-account", "platform": "line"}),
        ("Sort code 60-16-13, account number 31926819 (used by the fraudsters)", {"bank": "60-16-13", "country": "GB"}),
    ],
)
def test_words_next_to_numbers_and_handles_name_their_kind(text: str, fields: dict[str, str]) -> None:
    (found,) = columns(text)
    assert found.items() >= fields.items()


def test_ambiguous_bank_name_is_not_guessed() -> None:
    (found,) = columns("Bank accounts used by the scammers\n\nHSBC Hong Kong 004-123-456789-838")
    assert "country" not in found


def test_a_report_that_is_mostly_values_is_no_list() -> None:
    text = (
        "Loan app scams, week 21\nAuthor: Example (https://x.com/example_intel)\n"
        "https://x.com/example_intel/status/1791215363134202188\n\n"
        + "\n".join(f"loan{number}[.]example[.]com" for number in range(40))
        + "\n\nAbused but legitimate: hxxps[:]//storage[.]example[.]org\n"
    )
    assert formats.recognise(text.encode(), "week21.txt") == "prose"
    assert len(values(text)) == 40
    assert reasons(text) == ["not-a-report"] * 3


def test_a_chat_with_times_is_no_json() -> None:
    chat = b"[2026-05-02 10:14] victim: is this the support of the bank?\n[2026-05-02 10:15] scammer: open http://a.example.com/x\n"
    assert formats.recognise(chat, "chat.txt") == "prose"
    assert values(chat.decode()) == ["http://a.example.com/x"]
    assert formats.recognise(b"[1, 2]") == "json"


def test_each_line_with_something_like_a_value_is_a_row_or_a_reject() -> None:
    lines = [
        "Somebody wrote of a.example.com in passing, as people do now and then.",
        "Somebody wrote of https://a.example.com/x in passing, as people do.",
        "Somebody wrote of 192.0.2.7 in passing, as people do now and then.",
        "Somebody wrote of host[.] in passing, as people do now and then.",
        "Their pages are at hxxps[:]//[domain]/app/ as a rule, and no others.",
        "ลูกค้าติดต่อธนาคารได้ที่เบอร์ 02-123-4567 ทุกวัน",
        "บัญชีของบริษัทคือ กสิกรไทย 123-4-56789-0 เพื่อชำระค่าบริการรายเดือนของลูกค้าทุกท่านในประเทศไทย",
    ]
    for line in lines:
        assert len(reasons(line + "\n")) == 1, line
        assert values(line + "\n") == []


ADVERSARIES = [
    "[",
    "a",
    "a.",
    "a[.]",
    "+1",
    "DE89 ",
    ":",
    "hxxp",
    "a@",
    "http://",
    "0:",
    ")",
    "1 ",
    "(",
    "[.",
    "@",
    "é",
    "ก",
    "-.",
    "`",
    "[a](",
    "| ",
    "official ",
    "victim ",
    "scam site a.example.com ",
    "transfer to ",
    "KBANK 123-4-56789-0 ",
    "LINE @abc ",
    "081-234-5678 ",
    "ผู้เสียหาย",
    "โอนเงิน",
    "หลอก ",
    "giả ",
    "假冒官网 ",
    "A: ",
    "1.",
]


@pytest.mark.long
@pytest.mark.search
@pytest.mark.parametrize("piece", ADVERSARIES)
def test_the_time_is_linear_in_the_line(piece: str) -> None:
    length = 60_000 if WHOLE else 8_000
    # A quadratic reader would take sixteen times as long for four times the length.
    short, long = (_seconds_to_read(piece * (size // len(piece))) for size in (length // 4, length))
    assert long < 9 * short + 0.05


def _seconds_to_read(line: str) -> float:
    """Return the processor time for the line by itself, in a path, and in a host: the lower of two runs."""
    took = []
    for _ in range(2):
        begun = time.process_time()
        for text in (line, f"hxxp://a.example/{line}", f"{line}.example.com"):
            read(text)
        took.append(time.process_time() - begun)
    return min(took)


@settings(max_examples=examples(300), deadline=None)
@given(text=st.text(alphabet='ab.:/[]()@+ \n#*|`-0189hxp"ก\u200b', max_size=120))
def test_any_text_is_rows_or_reasons(text: str) -> None:
    for row in read(text):
        assert row.line >= 1
    for found in find_candidates(text.replace("\n", " ")):
        assert found.raw in text.replace("\n", " ") or found.shape == "iban"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a.example.com", "alone on its line or in code"),
        ("FAKE SHOPS:\n\n- a.example.com", "below 'FAKE SHOPS' (values)"),
        ("FAKE SHOPS:\n\n- Registrar: www.example.net", "below 'FAKE SHOPS', behind 'Registrar' (innocent)"),
        ("FAKE SHOPS:\n\nOur hotline +66 2 123 4567", "behind 'Our hotline' (contact)"),
        ("Our hotline +66 2 123 4567", "behind 'Our hotline' (contact)"),
        ("Hotline: +66 2 123 4567\nPhone: +66 2 123 4568", "next to a contact or a legitimate value"),
        (
            "-- Forwarded message --\nhxxps://a[.]example[.]com/x",
            "defanged, in a table or a forwarded message (values)",
        ),
        (
            "FAKE SHOPS:\n\nThey write to many people here and then say contact us a[.]example[.]com",
            "defanged, below 'FAKE SHOPS' (values)",
        ),
    ],
)
def test_the_reason_of_a_decision_names_its_words(text: str, why: str) -> None:
    assert read(text + "\n")[-1].why == why


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("```hxxps://a[.]example[.]com/x```", "hxxps://a[.]example[.]com/x"),
        ("```a[.]example[.]com\nwhat they say\n```", "a[.]example[.]com"),
        ("| 081-234-5678 | scam |", "081-234-5678"),
        ("KBANK 123-4-56789-0: account of the scammers", "123-4-56789-0"),
        ("Phone 081-234-5678: called me and said that I won", "081-234-5678"),
        ("# Scammer on Telegram @example_handle", "@example_handle"),
    ],
)
def test_no_value_is_dropped_at_an_unusual_place(text: str, raw: str) -> None:
    (row,) = formats.read(BytesIO(text.encode()), format="prose", country="TH")
    assert (row.fields["value"] if isinstance(row, Row) else getattr(row, "raw", "")) == raw


def test_code_within_a_line_is_no_fence() -> None:
    (row,) = read("```words```\n\nWe thank the people near a.example.com for all that they do for us.\n")
    assert isinstance(row, Unreadable)
    assert row.reason == "not-marked"


def test_a_label_may_have_a_date() -> None:
    assert [(row.line, row.why) for row in read("Scam seen 2026-01-01: a.example.com\n") if isinstance(row, Row)] == [
        (1, "behind 'Scam seen 2026-01-01' (values)")
    ]


@pytest.mark.parametrize(
    ("written", "raw"),
    [("(03) 5550 3101", "(03) 5550 3101"), ("(0355503101)", "0355503101"), ("(03 5550 3101", "03 5550 3101")],
)
def test_a_number_keeps_the_brackets_around_its_area_code(written: str, raw: str) -> None:
    (row,) = formats.read(BytesIO(f"Call the helpdesk on {written} for help.\n".encode()), format="prose", country="AU")
    assert isinstance(row, Unreadable)
    assert row.raw == raw
