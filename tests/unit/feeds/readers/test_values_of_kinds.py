"""Values of each kind as people send them: in a cell below a header, and in a sentence or list of a text."""

from datetime import UTC, datetime
from io import BytesIO

import pytest

from feeds.mapping.options import Options
from feeds.mapping.rows import Mapped, Reject, map_stream
from schemas.report import Report

AT = datetime(2026, 1, 15, tzinfo=UTC)
XRP, TAGGED = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8xvjGQTYPiAx6gwDC"
TON = "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF"
PROMPTPAY_QR = "00020101021129370016A000000677010111011300668123456785802TH530376463045D82"
VIET_QR = "00020101021138570010A00000072701270006970436011300110012345670208QRIBFTTA5802VN63042CC1"
PIX_QR = "00020101021126360014BR.GOV.BCB.PIX0114+55119612345675802BR5913LOJA DE TESTE6009SAO PAULO630482A6"
RAW_TON = "0:ca6e321c7cce9ecedf0a8ca2492ec8592494aa5fb5ce0387dff96ef6af982a3e"


def found(text: str, *, prose: bool, country: str = "") -> list[str]:
    """Return the values of a text, and the reasons of its rejects with ! in front."""
    options = Options(
        reporter="Example Bank",
        format="prose" if prose else None,
        reported_at=AT,
        defaults={"country": country} if country else {},
    )
    values = []
    for outcome in map_stream(BytesIO(text.encode()), "a.txt" if prose else "a.csv", options):
        if isinstance(outcome, Mapped) and isinstance(outcome.report, Report):
            values.append(f"{outcome.report.kind} {outcome.report.value}")
        elif isinstance(outcome, Reject):
            values.append("!" + outcome.reason)
    return values


@pytest.mark.parametrize(
    ("header", "cells", "country", "values"),
    [
        ("XRP address,Destination tag", f"{XRP},1", "", [f"wallet {TAGGED}"]),
        ("Wallet address,Memo ID", f"{TON},12345", "", [f"wallet {RAW_TON}?memo=12345"]),
        ("Wallet address,Note", f"{XRP}:1,x", "", [f"wallet {TAGGED}"]),
        ("XRP address,Note", f"{XRP} (destination tag: 1),x", "", [f"wallet {TAGGED}"]),
        ("QR,Note", f"{PROMPTPAY_QR},x", "TH", ["payment-alias promptpay:+66812345678"]),
        ("QR code,Note", f"{VIET_QR},x", "VN", ["bank-account VN:BFTVVNVX:0011001234567"]),
        ("Pix copia e cola,Nota", f"{PIX_QR},x", "BR", ["payment-alias pix:+5511961234567"]),
        ("QR,Note", f"{PROMPTPAY_QR[:-1]}0,x", "TH", ["!qr-checksum"]),
        ("UPI ID,Note", "someone@newpsp,x", "IN", ["payment-alias upi:someone@newpsp"]),
        ("Bank account,Name of shop", "UPI: someone@kotak,x", "IN", ["payment-alias upi:someone@kotak"]),
        ("Bank,Account number", ",Wise GB29NWBK60161331926819", "GB", ["!bank-missing"]),
        ("Bank,Account number", "-,DANA 0812-3456-7890", "ID", ["payment-alias dana:+6281234567890"]),
        ("Bank,Account number", ",KBANK 123-4-56789-0", "TH", ["bank-account TH:KASITHBK:1234567890"]),
        ("Interac e-Transfer,Note", "someone@example.com,x", "CA", ["payment-alias interac:someone@example.com"]),
        ("BI-FAST,Note", "0812-3456-7890,x", "ID", ["payment-alias bi-fast:+6281234567890"]),
        (
            "Shopee shop,Note",
            "https://shopee.co.th/example_shop,x",
            "TH",
            ["social-account shopee:example_shop@shopee.co.th"],
        ),
        ("SMS sender ID,Note", "VM-LUCKYW,x", "IN", ["phone IN:VM-LUCKYW"]),
        ("Sender name,Message", "LuckyWin,You won", "TH", ["phone TH:LUCKYWIN"]),
        ("Bank,Account number,Sender name", "KBANK,1234567890,A Person", "TH", ["bank-account TH:KASITHBK:1234567890"]),
    ],
)
def test_value_in_a_cell(header: str, cells: str, country: str, values: list[str]) -> None:
    assert found(f"{header}\n{cells}\n", prose=False, country=country) == values


@pytest.mark.parametrize(
    ("text", "country", "values"),
    [
        (f"The victim sent 500 XRP to the scammer at {XRP} (destination tag: 1).", "", [f"wallet {TAGGED}"]),
        (f"The scammer's TON wallet is {RAW_TON}.", "", [f"wallet {RAW_TON}"]),
        (f"Scammer's wallet: {TON}, memo 12345.", "", [f"wallet {RAW_TON}?memo=12345"]),
        (f"TON {TON} Comment: 778899", "", [f"wallet {RAW_TON}?memo=778899"]),
        (f"Scammer's wallet: ton://transfer/{TON}?text=12345", "", [f"wallet {RAW_TON}?memo=12345"]),
        (f"Scammer's wallet: {XRP}?dt=1", "", [f"wallet {TAGGED}"]),
        (
            "Scammer's group: whatsapp://chat?code=AbCdEfGhIjKlMnOpQrStUv",
            "",
            ["social-account whatsapp:invite/AbCdEfGhIjKlMnOpQrStUv"],
        ),
        ("Scammer's app: appmarket://details?id=com.example.app", "", ["app android:com.example.app"]),
        ("The scammer told the victim to send ETH to example-scam.eth.", "", ["wallet example-scam.eth"]),
        ("The contract is in Token.sol, see the files.", "", []),
        (
            "The fraudster asked the victim to pay to the UPI ID someone@ybl and to shop.12@newpsp.",
            "IN",
            ["payment-alias upi:someone@ybl", "payment-alias upi:shop.12@newpsp"],
        ),
        ("The victim's own UPI ID is someone@ybl.", "IN", ["!not-a-report"]),
        ("Pay your donation only to the genuine UPI ID someone@sbi.", "IN", ["!not-a-report"]),
        (f"The official QR code of the temple is {PROMPTPAY_QR}", "", ["!not-a-report"]),
        (
            "The bank's sender ID is HDFCBK, and the fraudsters used the sender ID VM-LUCKYW.",
            "IN",
            ["phone IN:VM-LUCKYW"],
        ),
        ("Genuine messages of the bank come from sender ID VM-HDFCBK.", "IN", []),
        ("Write to help@mybank, or ask user@host.", "IN", []),
        ("Fraudster's link: upi://pay?pa=someone@ybl&pn=Shop", "IN", ["payment-alias upi:someone@ybl"]),
        ("O golpista pediu Pix para a chave Pix loja@example.com.", "BR", ["payment-alias pix:loja@example.com"]),
        (
            "The scammer told the victim to pay to Cash App $exampleshop or Venmo @example-tickets.",
            "US",
            ["payment-alias cashapp:exampleshop", "payment-alias venmo:example-tickets"],
        ),
        ("The victim paid $300 with Zelle and $20 by Cash App.", "US", []),
        ("Chave Pix do golpista: +55 11 96123-4567", "BR", ["payment-alias pix:+5511961234567"]),
        ("Chave Pix (CNPJ) do golpista: 16.727.230/0001-97", "BR", ["payment-alias pix:16727230000197"]),
        (f"Pix copia e cola do golpista: {PIX_QR}", "BR", ["payment-alias pix:+5511961234567"]),
        (f"มิจฉาชีพส่งคิวอาร์ {PROMPTPAY_QR} มาให้", "TH", ["payment-alias promptpay:+66812345678"]),
        (f"มิจฉาชีพส่งคิวอาร์ {PROMPTPAY_QR[:-1]}0 มาให้", "TH", ["!qr-checksum"]),
        ("Scammer's PayNow UEN is 197401143C.", "SG", ["payment-alias paynow:197401143C"]),
        ("The scam SMS came from sender name: LuckyWin and had a link.", "TH", ["phone TH:LUCKYWIN"]),
        ("ข้อความหลอกลวงใช้ชื่อผู้ส่ง LuckyWin", "", ["phone TH:LUCKYWIN"]),
        ("Scam SMS that spoofed the sender name KBank.", "TH", []),
    ],
)
def test_value_in_a_sentence(text: str, country: str, values: list[str]) -> None:
    assert found(text, prose=True, country=country) == values


def test_backup_of_text_messages_gives_unknown_senders_and_no_saved_contact() -> None:
    messages = (
        ("AX-KYCUPD", "Update your PAN: http://pan-update.example.com/in", "(Unknown)"),
        ("HDFCBK", "Rs 500 debited from a/c X2938", "(Unknown)"),
        ("+919000551241", "See you at 7, https://maps.example.com/x", "Papa"),
    )
    listed = "".join(
        f'<sms address="{sender}" type="1" body="{body}" contact_name="{contact}"/>'
        for sender, body, contact in messages
    )
    options = Options(reporter="Example Bank", reported_at=AT, defaults={"country": "IN"})
    outcomes = list(map_stream(BytesIO(f"<smses count='3'>{listed}</smses>".encode()), "sms.xml", options))
    mapped = [each.report for each in outcomes if isinstance(each, Mapped)]
    assert [(each.kind, each.value) for each in mapped if isinstance(each, Report)] == [
        ("phone", "IN:AX-KYCUPD"),
        ("url", "http://pan-update.example.com/in"),
    ]
    refused = [(each.raw, each.reason) for each in outcomes if isinstance(each, Reject)]
    assert refused == [("HDFCBK", "not-marked"), ("See you at 7, https://maps.example.com/x", "not-a-report")]
