"""Files exported from spreadsheets in several languages, and the notes about unread columns."""

from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings, strategies as st

from feeds.mapping.options import Options
from feeds.mapping.rows import Counts, Mapped, Reject, map_stream
from schemas.report import Report
from schemas.timestamp import find_zone
from tests.searches import examples

BANGKOK = find_zone("Asia/Bangkok")
# 05:18 on the 26th in Bangkok.
EARLY = datetime(2026, 11, 25, 22, 18, tzinfo=UTC)


class Read:
    """The result of reading a file."""

    def __init__(self, data: str | bytes, name: str = "reports.csv", **options: Any) -> None:
        data = data.encode() if isinstance(data, str) else data
        self.counts = Counts()
        mapping_options = Options(**{"reporter": "Cyber Police", "reported_at": EARLY, **options})
        outcomes = list(map_stream(BytesIO(data), name, mapping_options, tally=self.counts.tally))
        for outcome in outcomes:
            self.counts.add(outcome)
        self.mapped = [outcome for outcome in outcomes if isinstance(outcome, Mapped)]
        self.reports = [mapped.report for mapped in self.mapped if isinstance(mapped.report, Report)]
        self.rejects = [outcome for outcome in outcomes if isinstance(outcome, Reject)]
        counted = self.counts.as_dict()
        self.unread = counted["unread"]
        assert self.counts.read == self.counts.mapped + self.counts.duplicates + self.counts.rejected.total()


def test_a_thai_export_is_read_with_its_dates_words_and_levels() -> None:
    read = Read(
        "เลขบัญชี,ธนาคาร,ชื่อบัญชี,ประเภทการหลอกลวง,วันที่แจ้ง,ระดับความเชื่อมั่น,รายละเอียด\n"
        "123-4-56789-0,กสิกรไทย,สมชาย ใจดี,หลอกให้ลงทุน,25/11/2569,80,โอนแล้วติดต่อไม่ได้\n"
        "223-4-56789-0,กสิกรไทย,สมหญิง ใจดี,คอลเซ็นเตอร์,๒๕/๑๑/๒๕๖๙,8/10,\n"
        "323-4-56789-0,กสิกรไทย,สมชาย ใจดี,หลอกให้รักแล้วโอนเงิน,25 พ.ย. 2569,สูง,\n"
        "423-4-56789-0,กสิกรไทย,สมชาย ใจดี,กู้เงินออนไลน์,2569-11-25,ปานกลาง,\n"
        "523-4-56789-0,กสิกรไทย,สมชาย ใจดี,ฟิชชิ่ง,25 พฤศจิกายน 2569 14:30 น.,80%,\n"
        "623-4-56789-0,กสิกรไทย,สมชาย ใจดี,อื่นๆ,25/11/69,90,\n",
        zone=BANGKOK,
    )
    assert [report.value for report in read.reports] == [f"TH:KASITHBK:{number}234567890" for number in range(1, 7)]
    assert [report.scam_type for report in read.reports] == [
        "investment",
        "impersonation-government",
        "romance",
        "loan-debt",
        "credential-phishing",
        "other",
    ]
    assert [report.confidence for report in read.reports] == [80, 80, 85, 50, 80, 90]
    midnight = datetime(2026, 11, 24, 17, tzinfo=UTC)
    afternoon = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
    assert [report.reported_at for report in read.reports] == [midnight] * 4 + [afternoon, midnight]
    assert read.reports[0].description == "โอนแล้วติดต่อไม่ได้"
    assert read.unread == {"columns": {"ชื่อบัญชี": 6}, "cells": {}}
    assert "สมชาย" not in repr([mapped.objects for mapped in read.mapped])


def test_a_thai_export_in_the_code_page_of_windows_is_read() -> None:
    table = "เบอร์โทร;ประเภทการหลอกลวง;วันที่แจ้ง\n081-234-5678;หลอกขายของ;๑ ม.ค. ๒๕๖๙\n"
    (report,) = Read(table.encode("cp874"), defaults={"country": "TH"}, zone=BANGKOK).reports
    assert (report.value, report.scam_type) == ("+66812345678", "merchandise")
    assert report.reported_at == datetime(2025, 12, 31, 17, tzinfo=UTC)


def test_a_vietnamese_export_is_read() -> None:
    read = Read(
        "Số tài khoản\tNgân hàng\tChủ tài khoản\tHình thức lừa đảo\tNgày báo cáo\tĐộ tin cậy\n"
        "0123456789012\tVCB\tNGUYEN VAN A\tĐầu tư tài chính\t25/11/2026\tcao\n"
        "0123456789013\tVCB\tNGUYEN VAN A\tGiả danh công an\t05/11/2026\ttrung bình\n",
        defaults={"country": "VN"},
        zone=find_zone("Asia/Ho_Chi_Minh"),
    )
    assert [report.scam_type for report in read.reports] == ["investment", "impersonation-government"]
    assert [report.confidence for report in read.reports] == [85, 50]
    assert [report.reported_at.day for report in read.reports] == [24, 4]
    assert read.unread["columns"] == {"Chủ tài khoản": 2}


def test_a_vietnamese_header_without_its_marks_is_read() -> None:
    read = Read(
        "So dien thoai,Hinh thuc lua dao,Ngay\n0912345678,viec lam online,25 thg 11 2026\n", defaults={"country": "VN"}
    )
    (report,) = read.reports
    assert (report.value, report.scam_type) == ("+84912345678", "employment-task")
    assert report.reported_at == datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    "table",
    [
        "涉案网址,诈骗类型,报案日期,可信度,报案人\nhttps://bad.example.com/,虚假投资理财,2026年11月25日,高,张三\n",
        "詐騙網址,詐騙手法,報案日期,可信度,報案人\nhttps://bad.example.com/,假投資,115/11/25,高,張三\n",
    ],
)
def test_a_chinese_export_is_read(table: str) -> None:
    read = Read(table, zone=find_zone("+08:00"))
    (report,) = read.reports
    assert (report.kind, report.scam_type, report.confidence) == ("url", "investment", 85)
    assert report.reported_at == datetime(2026, 11, 24, 16, tzinfo=UTC)
    assert len(read.unread["columns"]) == 1


@pytest.mark.parametrize(
    ("table", "scam_type"),
    [
        (
            "Nomor Telepon,Modus,Tanggal,Nama Pemilik\n+6281234567890,Investasi bodong,25 Agustus 2026,Budi\n",
            "investment",
        ),
        (
            "No. Telefon,Jenis Penipuan,Tarikh,Nama Mangsa\n+60123456789,Macau Scam,25 Ogos 2026,Ali\n",
            "impersonation-government",
        ),
        ("電話番号,詐欺の種類,報告日,被害者氏名\n+819012345678,ロマンス詐欺,2026年8月25日,山田\n", "romance"),
        ("전화번호,사기유형,신고일,피해자\n+821012345678,대출사기,2026년 8월 25일,김\n", "loan-debt"),
    ],
)
def test_exports_in_other_languages_are_read(table: str, scam_type: str) -> None:
    read = Read(table)
    (report,) = read.reports
    assert (report.scam_type, report.reported_at) == (scam_type, datetime(2026, 8, 25, tzinfo=UTC))
    assert len(read.unread["columns"]) == 1


def test_every_unread_column_and_cell_is_noted() -> None:
    read = Read(
        "domain,scam type,confidence,channel,payment rail,first seen,lang,sha256,Victim Name,remarks\n"
        "a.example.com,การหลอกแบบใหม่,maybe,ช่องทางใหม่,shells,some day,english!,123,X,Y\n"
        "b.example.com,,,,,,,,,\n"
    )
    assert [report.value for report in read.reports] == ["a.example.com", "b.example.com"]
    assert read.unread["columns"] == {"Victim Name": 1, "remarks": 1}
    assert read.unread["cells"] == {
        "scam_type: word-unknown": 1,
        "confidence: word-unknown": 1,
        "channel: word-unknown": 1,
        "payment_rail: word-unknown": 1,
        "lang: word-unknown": 1,
        "sha256: form-unknown": 1,
        "first_seen: bad-first-seen": 1,
    }


def test_a_word_that_limits_a_report_is_never_left_out() -> None:
    read = Read("domain,tlp,action\na.example.com,แดง,\nb.example.com,,ทำอะไรสักอย่าง\n")
    assert {reject.reason for reject in read.rejects} == {"bad-tlp", "bad-action"}
    assert all("^" not in reject.message for reject in read.rejects)


@pytest.mark.parametrize(
    "header",
    [
        "victim phone",
        "Phone (victim)",
        "Phone / Complainant",
        "เบอร์โทรผู้เสียหาย",
        "เบอร์โทร (ผู้เสียหาย)",
        "Số điện thoại nạn nhân",
        "受害人电话",
        "电话（报案人）",
        "nomor hp korban",
        "Reporter Email",
    ],
)
def test_columns_about_people_are_never_read_under_any_name(header: str) -> None:
    read = Read(f"domain,{header}\na.example.com,+66812345678\n")
    assert [report.value for report in read.reports] == ["a.example.com"]
    assert read.unread["columns"] == {header: 1}


_ODD = st.text(alphabet="0123456789๐๙٣²½/-.:,T +ZAPMพศยน年月日thángNovth%\u0e33", max_size=30)


@settings(max_examples=examples(300), deadline=None)
@given(moment=_ODD, level=_ODD)
def test_any_text_can_be_read_as_date_or_level(moment: str, level: str) -> None:
    cells = [moment, moment, level]
    body = "\t".join(" ".join(cell.split()) for cell in cells)
    read = Read(f"domain\tfirst_seen\tvalid_until\tconfidence\na.example.com\t{body}\n")
    assert len(read.reports) + len(read.rejects) == 1
    assert all(report.confidence is None or 0 <= report.confidence <= 100 for report in read.reports)


def test_a_number_is_never_shown_as_the_name_of_a_column() -> None:
    read = Read("value,0812345678\na.example.com,x\n")
    assert read.unread["columns"] == {"column 2": 1}


@pytest.mark.parametrize(
    ("cells", "levels"),
    [
        (["0.8", "1", "0.5"], [80, 100, 50]),
        (["80", "1", "50"], [80, 1, 50]),
        (["8/10", "4 / 5", "80 %"], [80, 80, 80]),
        (["high", "LOW", "n/a"], [85, 15, None]),
        (["85.0", "15.0", ""], [85, 15, None]),
        (["ร้อยละ 80%", "๘๐", "101"], [80, 80, None]),
    ],
)
def test_confidence_is_read_by_the_scale_of_its_column(cells: list[str], levels: list[int | None]) -> None:
    rows = "".join(f"h{number}.example.com;{cell}\n" for number, cell in enumerate(cells))
    assert [report.confidence for report in Read(f"domain;confidence\n{rows}").reports] == levels


def test_the_column_as_a_whole_decides_the_order_of_day_and_month() -> None:
    early = "".join(f"h{day}.example.com,{day:02}/03/2026\n" for day in range(1, 12))
    read = Read(f"domain,date\n{early}last.example.com,25/03/2026\n")
    assert [report.reported_at.month for report in read.reports] == [3] * 12
    read = Read(f"domain,date\n{early}last.example.com,03/25/2026\n")
    assert [report.reported_at.month for report in read.reports] == [*range(1, 12), 3]


def test_undecidable_day_and_month_are_not_guessed() -> None:
    table = "domain,date,first seen\na.example.com,05/03/2026,\nb.example.com,,05/03/2026\nc.example.com,03/03/2026,\n"
    read = Read(table)
    assert [(reject.raw, reject.reason) for reject in read.rejects] == [("a.example.com", "date-ambiguous")]
    assert "--date-order" in read.rejects[0].message
    assert read.unread["cells"] == {"first_seen: date-ambiguous": 1}
    first, second, third = Read(table, date_order="day-first").reports
    assert (first.reported_at.month, third.reported_at.month) == (3, 3)
    assert second.first_seen is not None
    assert second.first_seen.month == 3


@pytest.mark.parametrize(("country", "month"), [("TH", 3), ("US", 5), ("PH", 5), ("CA", None)])
def test_the_country_decides_the_order_of_day_and_month_if_no_date_does(country: str, month: int | None) -> None:
    read = Read("domain,date\na.example.com,05/03/2026\n", defaults={"country": country})
    assert [report.reported_at.month for report in read.reports] == ([month] if month else [])
    read = Read("domain,date\na.example.com,05/03/2026\nb.example.com,25/03/2026\n", defaults={"country": country})
    assert [report.reported_at.month for report in read.reports] == [3, 3]


def test_a_column_in_both_orders_is_not_guessed_from_then_on() -> None:
    read = Read("domain,date\na.example.com,25/03/2026\nb.example.com,03/25/2026\nc.example.com,04/05/2026\n")
    assert [reject.raw for reject in read.rejects] == ["c.example.com"]


def test_today_in_bangkok_is_not_ahead_of_the_clock() -> None:
    for table in ("domain,date\na.example.com,26/11/2569\n", "domain,date\na.example.com,2026-11-26 05:10\n"):
        (report,) = Read(table, zone=BANGKOK).reports
        assert report.reported_at <= EARLY
    (report,) = Read("domain,date\na.example.com,2026-11-26\n").reports
    assert report.reported_at == EARLY


def test_bare_date_starts_its_day_and_as_an_end_ends_it() -> None:
    (report,) = Read(
        "account_number,bank,first_seen,last_seen,valid_until,hold_until\n"
        "123-4-56789-0,KBANK,2026-11-20,2026-11-20,2027-01-31,2026-12-31\n",
        zone=BANGKOK,
    ).reports
    assert report.first_seen == datetime(2026, 11, 19, 17, tzinfo=UTC)
    assert report.last_seen == datetime(2026, 11, 20, 16, 59, 59, 999_000, tzinfo=UTC)
    assert report.hold is not None
    assert report.hold.until == datetime(2026, 12, 31, 16, 59, 59, 999_000, tzinfo=UTC)
    (today,) = Read("domain,last_seen\na.example.com,2026-11-26\n", zone=BANGKOK).reports
    assert today.last_seen == EARLY


def test_an_end_that_cannot_be_read_refuses_its_row() -> None:
    (reject,) = Read("domain,valid_until\na.example.com,soon\n").rejects
    assert reject.reason == "bad-valid-until"
    assert "2026-01-31" in reject.message


def test_every_value_of_a_row_becomes_a_report_and_a_case_joins_them() -> None:
    read = Read(
        "phone,line_id,account_number,bank,url,reference,scam_type\n"
        "+66812345678,somchai_shop,123-4-56789-0,KBANK,https://bad.example.com/pay,case 7,romance\n"
        "+66812345679,,,,,case 8,romance\n"
    )
    assert {report.kind for report in read.reports[:4]} == {"phone", "social-account", "bank-account", "url"}
    assert {report.reference for report in read.reports[:4]} == {"case 7"}
    assert (read.counts.read, read.counts.tally.rows) == (5, 2)
    cases = [obj for mapped in read.mapped for obj in mapped.objects if obj["type"] == "grouping"]
    indicators = {obj["id"] for mapped in read.mapped[:4] for obj in mapped.objects if obj["type"] == "indicator"}
    (case,) = cases
    assert {*case["object_refs"]} == indicators
    assert not any(report.value in repr(case) for report in read.reports)


def test_bad_value_of_a_row_does_not_affect_the_others() -> None:
    read = Read("phone,account_number,bank,url\n123,123456789.0,KBANK,https://bad.example.com/\n")
    assert [report.kind for report in read.reports] == ["url"]
    assert sorted(reject.reason for reject in read.rejects) == ["country-missing", "digits-lost"]


def test_repeated_row_is_a_duplicate_in_each_of_its_values() -> None:
    row = "+66812345678,https://bad.example.com/\n"
    read = Read("phone,url\n" + row + row)
    assert (read.counts.mapped, read.counts.duplicates) == (2, 2)
    read = Read("phone,url\n" + row + "+66812345678,https://other.example.com/\n")
    assert (read.counts.mapped, read.counts.duplicates) == (3, 1)
    assert sum(obj["type"] == "grouping" for mapped in read.mapped for obj in mapped.objects) == 2


def test_unread_cells_of_a_row_are_counted_with_their_reason() -> None:
    read = Read("url,ip,email,company_name\nhttps://bad.example.com/,203.0.113.7,someone@example.com,Example Ltd\n")
    assert [report.kind for report in read.reports] == ["url"]
    assert read.unread["cells"] == {
        "ip: address-of-a-host": 1,
        "email: whose-is-unclear": 1,
        "company_name: company-number-missing": 1,
    }


def test_account_columns_do_not_apply_to_other_values() -> None:
    read = Read(
        "domain,account_number,bank,holder_status,hold_until\nbad.example.com,123-4-56789-0,KBANK,deceived,2026-12-31\n"
    )
    domain, account = read.reports
    assert (domain.kind, domain.holder_status, domain.hold) == ("domain", None, None)
    assert account.holder_status == "deceived"
    assert account.hold is not None


@pytest.mark.parametrize(
    "number",
    [
        "123456789.0",
        "20123456789.0",
        "12345678.0",
        "1234567890.00",
        "1,234,567.00",
        "1,234,567,890",
        "1.23457E+11",
        "1.234.567.890,00",
    ],
)
@pytest.mark.parametrize("bank", ["KBANK", "GSB", "BBL"])
def test_digits_with_a_decimal_part_are_refused_and_not_run_together(number: str, bank: str) -> None:
    read = Read(f'account_number;bank;country\n"{number}";{bank};TH\n')
    assert [reject.reason for reject in read.rejects] == ["digits-lost"]
    assert "text" in read.rejects[0].message
    json = Read(f'[{{"account_number": "{number}", "bank": "{bank}", "country": "TH"}}]', name="x.json")
    assert [reject.reason for reject in json.rejects] == ["digits-lost"]


def test_a_number_of_json_with_a_decimal_part_is_refused() -> None:
    read = Read(
        '[{"account_number": 1234567890.0, "bank": "KBANK"}, {"account_number": 1234567890, "bank": "KBANK"}]',
        name="x.json",
    )
    assert [reject.reason for reject in read.rejects] == ["digits-lost"]
    assert [report.value for report in read.reports] == ["TH:KASITHBK:1234567890"]


@pytest.mark.parametrize("cell", ['"=""0123456789"""', '="0123456789"', "'0123456789"])
def test_digits_stored_as_text_are_read(cell: str) -> None:
    (report,) = Read(f"account_number,bank\n{cell},KBANK\n").reports
    assert report.value == "TH:KASITHBK:0123456789"
    (report,) = Read(f"phone,country\n{cell.replace('0123456789', '0812345678')},TH\n").reports
    assert report.value == "+66812345678"


@pytest.mark.parametrize(
    "header",
    ["banned_address", "contract_address", "Scam Address", "address (scammer)", "wallet 1", "กระเป๋าคริปโตของคนร้าย"],
)
def test_additional_words_in_a_column_name_are_ignored(header: str) -> None:
    (report,) = Read(f"{header},currency\n1BoatSLRHtKNngkdXEeobR76b53LETtpyT,BTC\n").reports
    assert report.kind == "wallet"


def test_the_name_of_a_column_implies_the_platform_or_system() -> None:
    read = Read(
        "Facebook page,Telegram ID,PromptPay,ไลน์ไอดี\nhttps://www.facebook.com/bad.page,bad_channel,0812345678,somchai99\n"
    )
    assert {report.value for report in read.reports} == {
        "facebook:badpage",
        "telegram:bad_channel",
        "promptpay:+66812345678",
        "line:somchai99",
    }


def test_a_column_with_another_page_of_one_site_in_each_row_cites_the_sources() -> None:
    rows = "".join(f"+6681234567{digit},https://who-called.example.org/+6681234567{digit}\n" for digit in range(6))
    read = Read(f"phone,url\n{rows}")
    assert {report.kind for report in read.reports} == {"phone"}
    assert read.unread["cells"] == {"url: pages-of-one-site": 6}
    same = "".join(f"+6681234567{digit},https://bad.example.com/\n" for digit in range(6))
    assert {report.kind for report in Read(f"phone,url\n{same}").reports} == {"phone", "url"}


@pytest.mark.parametrize(
    ("table", "name", "kind", "column"),
    [
        ("Caller,When\n+18005551234,2026-01-02\n+18005551235,2026-01-03\n", "x.csv", "phone", "Caller"),
        ("nr;opmerking\n8005551234;x\n8005551235;y\n", "x.csv", "phone", "nr"),
        ('[{"holding": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "n": "x"}]', "x.json", "wallet", "holding"),
        ('{"holding": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "n": "x"}\n' * 2, "x.jsonl", "wallet", "holding"),
    ],
)
def test_with_a_kind_the_column_of_values_is_found_by_its_cells_and_noted(
    table: str, name: str, kind: str, column: str
) -> None:
    read = Read(table, name=name, kind=kind, defaults={"country": "US"} if kind == "phone" else {})
    assert read.reports
    assert not read.rejects
    assert read.counts.as_dict()["value_columns"] == {column: kind}


def test_ambiguous_columns_are_not_guessed_and_personal_ones_not_read() -> None:
    two = Read("from,to\n+18005551234,+18005551236\n", kind="phone")
    assert [reject.reason for reject in two.rejects] == ["no-value-column"]
    people = Read("Victim No,x\n+18005551234,1\n", kind="phone")
    assert [reject.reason for reject in people.rejects] == ["no-value-column"]


@pytest.mark.parametrize(
    ("document", "values"),
    [
        (
            '{"trustwallet.com": ["trust.example.com", "wallet.example.net"], "apple.com": ["app1e.example.org"]}',
            ["trust.example.com", "wallet.example.net", "app1e.example.org"],
        ),
        (
            '{"https://one.example.com/": ["1111111111111111111114oLvT2"], '
            '"two.example.net": ["1BoatSLRHtKNngkdXEeobR76b53LETtpyT"]}',
            ["1111111111111111111114oLvT2", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"],
        ),
        (
            '{"2026-01-02": ["a.example.com"], "2026-01-03": ["b.example.com"]}',
            ["a.example.com", "b.example.com"],
        ),
        (
            '{"0x52908400098527886E0F7030069857D2E4169EE7": "Fake_Phishing1", '
            '"0x8617E340B3D01FA5F11F306F4090FD50E238070D": "phish-hack"}',
            ["0x52908400098527886e0f7030069857d2e4169ee7", "0x8617e340b3d01fa5f11f306f4090fd50e238070d"],
        ),
        (
            '{"1BoatSLRHtKNngkdXEeobR76b53LETtpyT": {"first_seen": "2026-01-01"}, "1111111111111111111114oLvT2": {}}',
            ["1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "1111111111111111111114oLvT2"],
        ),
        (
            '{"1": [{"ioc_value": "203.0.113.9:443", "ioc_type": "ip:port", "confidence_level": 75}], '
            '"2": [{"ioc_value": "http://bad.example.com/x", "ioc_type": "url"}]}',
            ["203.0.113.9", "http://bad.example.com/x"],
        ),
        ('{"data": {"1": [{"ioc_value": "bad.example.com", "ioc_type": "domain"}], "2": []}}', ["bad.example.com"]),
        ('{"query_status": "ok", "data": [{"ioc": "203.0.113.9:443", "ioc_type": "ip:port"}]}', ["203.0.113.9"]),
        ('[{"phones": ["+66812345678", "+66812345679"], "case_id": "7"}]', ["+66812345678", "+66812345679"]),
        (
            '[{"urls": ["https://bad.example.com/"], "domain": "other.example.com"}]',
            ["other.example.com", "https://bad.example.com/"],
        ),
    ],
)
def test_documents_are_read_in_all_their_lists(document: str, values: list[str]) -> None:
    read = Read(document, name="x.json", defaults={"currency": "BTC"} if "Boat" in document else {})
    assert [report.value for report in read.reports] == values
    assert not read.rejects


def test_lists_with_meaningless_names_are_not_read_as_reports() -> None:
    read = Read('{"noted": ["a.example.com"], "partners": ["bank.example.org"]}', name="x.json")
    assert {reject.reason for reject in read.rejects} == {"not-a-report"}
    assert not read.reports


def test_site_keys_above_lists_are_named_as_unread() -> None:
    read = Read('{"facebook.com": ["a.example.com"], "apple.com": ["b.example.com"]}', name="x.json")
    assert read.unread["columns"] == {"the lists with sites as their keys": 2}


def test_lists_next_to_an_allowlist_are_not_read_as_reports() -> None:
    read = Read('{"whitelist": ["bank.example.org"], "more": ["a.example.com"]}', name="x.json")
    assert not read.reports
    assert {reject.reason for reject in read.rejects} == {"not-a-report"}


def test_nested_objects_of_others_are_refused_and_unknown_ones_named() -> None:
    read = Read(
        '[{"domain": "a.example.com", "victim": {"name": "X"}, "events": [{"at": "2026-01-01"}]}]', name="x.json"
    )
    assert [report.value for report in read.reports] == ["a.example.com"]
    assert [(reject.raw, reject.reason) for reject in read.rejects] == [("X", "not-a-scammers")]
    assert read.unread["columns"] == {"events at": 1}


@pytest.mark.parametrize(
    "column", ["countries", "holder_status", "action", "only_countries", "purposes", "hold_amount", "tlp"]
)
def test_no_message_shows_a_pattern(column: str) -> None:
    table = f"account_number,bank,hold_until,{column}\n123-4-56789-0,KBANK,2026-12-31,อะไรก็ไม่รู้!\n"
    (reject,) = Read(table).rejects
    assert not {"^", "$", "[a-z", "[A-Z"} & {part for part in ("^", "$", "[a-z", "[A-Z") if part in reject.message}


def workbook(rows: list[list[Any]]) -> bytes:
    """Write a sheet with Excel's own styles: a Thai date, a percentage, text."""
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("รายงาน")
        thai = book.add_format({"num_format": "[$-D07041E]d mmm yyyy"})
        percent = book.add_format({"num_format": "0%"})
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, date):
                    sheet.write_datetime(row, column, cell, thai)
                elif isinstance(cell, float) and cell <= 1:
                    sheet.write_number(row, column, cell, percent)
                else:
                    sheet.write(row, column, cell)
    return out.getvalue()


def test_thai_workbook_is_read_as_displayed() -> None:
    header = ["เลขบัญชี", "ธนาคาร", "เบอร์โทร", "วันที่แจ้ง", "ความเชื่อมั่น", "ชื่อบัญชี", "จำนวนเงิน"]
    read = Read(
        workbook(
            [
                ["รายงานบัญชีม้า"],
                header,
                ["0123456789", "KBANK", "0812345678", date(2026, 11, 25), 0.8, "สมชาย", 150000],
                [1234567890, "KBANK", None, "25 พ.ย. 2569", 1.0, "สมชาย", 1500.5],
                [123456789, "KBANK", None, date(2026, 11, 25), 0.5, "สมชาย", None],
                [123456789.5, "KBANK", None, None, None, None, None],
            ]
        ),
        name="reports.xlsx",
        defaults={"country": "TH"},
        zone=BANGKOK,
    )
    assert [report.value for report in read.reports] == [
        "+66812345678",
        "TH:KASITHBK:0123456789",
        "TH:KASITHBK:1234567890",
    ]
    assert [report.confidence for report in read.reports] == [80, 80, 100]
    assert {report.reported_at for report in read.reports} == {datetime(2026, 11, 24, 17, tzinfo=UTC)}
    assert [reject.reason for reject in read.rejects] == ["digits-lost", "digits-lost"]
    assert read.unread["columns"] == {"ชื่อบัญชี": 3, "จำนวนเงิน": 2}
