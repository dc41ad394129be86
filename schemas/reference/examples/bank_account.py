"""Accounts as reports write them: published examples and made-up numbers, each with its normal form or refusal."""

from collections.abc import Iterable

from schemas.kind import ValueExample

_DE, _GB, _FR = "DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606"
_KBANK, _GSB = "TH:KASITHBK:1234567890", "TH:GSBATHBK:012345678901"


def _ibans() -> Iterable[ValueExample]:
    """Yield IBANs."""
    yield ValueExample(_DE, _DE)
    yield ValueExample("de89 3704 0044 0532 0130 00", _DE)
    yield ValueExample("IBAN: DE89-3704-0044-0532-0130-00", _DE)
    yield ValueExample("ＤＥ８９３７０４００４４０５３２０１３０００", _DE)
    yield ValueExample(_GB, _GB, given={"account_number": "31926819"})
    yield ValueExample("31926819", _GB, given={"iban": "GB29 NWBK 6016 1331 9268 19"})
    yield ValueExample("", _FR, given={"iban": _FR})
    yield ValueExample("", _GB, given={"account_number": "GB29 NWBK 6016 1331 9268 19"})
    yield ValueExample("", _DE, given={"account_number": _DE, "bank": "Commerzbank"})
    yield ValueExample("0532013000", _DE, given={"account_number": _DE})
    yield ValueExample(_GB, _GB, given={"bank": "60-16-13", "account_number": "31926819"})
    yield ValueExample("532013000", _DE, given={"country": "DE", "bank": "370 400 44"})
    yield ValueExample("234573201", "AT611904300234573201", given={"country": "AT", "bank": "19043"})
    yield ValueExample("0500013M026", _FR, given={"country": "FR", "bank": "20041", "branch": "01005"})
    yield ValueExample(_DE, _DE, given={"bic": "COBADEFFXXX"}, details={"bic": "COBADEFF"})
    yield ValueExample("NO9386011117947", "NO9386011117947")
    for value, raw, country, bic in (
        (_GB, "60-16-13 31926819", "", "NWBKGB2L"),
        ("PK36SCBL0000001123456702", "1123456702", "", "SCBLPKKX"),
        ("AE070331234567890123456", "1234567890123456", "", "BOMLAEAD"),
        ("NL91ABNA0417164300", "417164300", "", "ABNANL2A"),
        ("NO9386011117947", "8601 11 17947", "NO", ""),
        ("BE68539007547034", "539-0075470-34", "BE", ""),
        ("ES9121000418450200051332", "2100 0418 45 0200051332", "ES", ""),
        ("CZ6508000000192000145399", "19-2000145399/0800", "CZ", ""),
        ("PL61109010140000071219812874", "61 1090 1014 0000 0712 1981 2874", "PL", ""),
    ):
        yield ValueExample(raw, value, given={"country": country, "bic": bic}, details={"bic": bic} if bic else {})


def _thai() -> Iterable[ValueExample]:
    """Yield accounts of countries without IBAN, and several spellings of one."""
    for raw in (
        "123-4-56789-0",
        "123 4 56789 0",
        "1234567890",
        "๑๒๓-๔-๕๖๗๘๙-๐",
        "１２３４５６７８９０",
        "123–4–56789–0",
    ):
        yield ValueExample(raw, _KBANK, given={"bank": "KBANK"})
    for bank in (
        "004",
        "kbank",
        "กสิกรไทย",
        "ธนาคารกสิกรไทย จำกัด (มหาชน)",
        "Kasikornbank PCL",
        "ธ.กสิกรไทย",
        "KASITHBK",
        "4",
    ):
        yield ValueExample("1234567890", _KBANK, given={"bank": bank})
    for raw in (
        "004-123-4-56789-0",
        "KBANK 123-4-56789-0",
        "ธ.กสิกรไทย 123-4-56789-0",
        "เลขที่บัญชี 123-4-56789-0 ธนาคารกสิกรไทย",
        "KASITHBK 1234567890",
        _KBANK.lower(),
        "TH:KASITHBKXXX:123-4-56789-0",
    ):
        yield ValueExample(raw, _KBANK)
    yield ValueExample("1234567890", _KBANK, given={"bic": "KASITHBKXXX"})
    yield ValueExample("", _KBANK, given={"account_number": "1234567890", "bic": "kasithbk"})
    yield ValueExample("KBANK", _KBANK, given={"account_number": "1234567890"})
    yield ValueExample("KBANK (004)", _KBANK, given={"account_number": "1234567890"})
    yield ValueExample("0-1234-5678-901", _GSB, given={"bank": "ออมสิน"})
    yield ValueExample("012345678901", _GSB, given={"bank": "030", "country": "TH"})
    for bank in ("กสิกรไทย (KBANK)", "KBANK (004)", "004 - KBANK", "ธนาคารกสิกรไทย (KBank) 004", "กสิกรไทย/KBANK"):
        yield ValueExample("123-4-56789-0", _KBANK, given={"bank": bank})
    for raw in (
        "กสิกรไทย (KBANK) 123-4-56789-0",
        "KBANK (004) 123-4-56789-0",
        "KBANK(004)1234567890",
        "กสิกรไทย KBANK 123-4-56789-0",
        "KBANK: 123-4-56789-0",
        "(004) 123-4-56789-0",
        "123-4-56789-0 (KBANK)",
        "เลขที่บัญชี 123-4-56789-0 ธนาคารกสิกรไทย (KBANK)",
    ):
        yield ValueExample(raw, _KBANK)
    yield ValueExample("1234567890", "TH:SICOTHBK:1234567890", given={"bank": "SCB (014)"})
    yield ValueExample("SCB 123-4-56789-0", "TH:SICOTHBK:1234567890")
    yield ValueExample("1234567890", "TH:SICOTHBK:1234567890", given={"bank": "SCB", "country": "th"})
    yield ValueExample("1234567890", "TH:LAHRTHB2:1234567890", given={"bic": "LAHRTHB1"})
    yield ValueExample("12-3456-78", "SG:DBSSSGSG:12345678", given={"bic": "DBSSSGSG"})
    yield ValueExample("AB-123456", "SG:DBSSSGSG:AB123456", given={"bic": "DBSSSGSG"})
    yield ValueExample("001 1234567", "JP:BOTKJPJT:0011234567", given={"bic": "BOTKJPJT"})


def _of_other_countries() -> Iterable[ValueExample]:
    """Yield numbers of other countries, with codes and names of their banks."""
    for raw, value, country, bank in (
        ("12345678", "AU:062000:12345678", "AU", "062-000"),
        ("062-000 1234 5678", "AU:062000:12345678", "AU", ""),
        ("123-456-7890", "US:CHASUS33:1234567890", "US", "021000021"),
        ("021000021 1234567890", "US:CHASUS33:1234567890", "US", ""),
        ("1234567890", "US:064208165:1234567890", "US", "064208165"),
        ("31926819", "GB:601613:31926819", "GB", "60-16-13"),
        ("60-16-13 31926819", "GB:601613:31926819", "GB", ""),
        ("60-16-13 31926819", "GB:601613:31926819", "", ""),
        ("31926819", "GB:601613:31926819", "", "60-16-13"),
        ("1234567890", "US:CHASUS33:1234567890", "US", "CHASUS33"),
        ("12345678", "SG:CIBBSGSG:12345678", "SG", "CIBBSGSG"),
        ("50100012345678", "IN:HDFCINBB:50100012345678", "", "HDFC0000001"),
        ("hdfc0000001 50100012345678", "IN:HDFCINBB:50100012345678", "", ""),
        ("919912345678", "IN:PYTM:919912345678", "IN", "PYTM0123456"),
        ("12-345678-9", "SG:DBSSSGSG:123456789", "SG", "POSB"),
        ("7171 123456789", "SG:DBSSSGSG:123456789", "SG", ""),
        ("1140 1234 5678", "MY:MBBEMYKL:114012345678", "MY", "Maybank Berhad"),
        ("Maybank 114012345678", "MY:MBBEMYKL:114012345678", "MY", ""),
        ("1234567890", "ID:CENAIDJA:1234567890", "ID", "BCA"),
        ("014 1234567890", "ID:CENAIDJA:1234567890", "ID", ""),
        ("001234567890", "PH:BNORPHMM:001234567890", "PH", "BDO Unibank, Inc."),
        ("0123456789", "VN:BFTVVNVX:0123456789", "VN", "970436"),
        ("123-456789-001", "HK:HSBCHKHH:123456789001", "HK", "004"),
        ("004-123-456789-001", "HK:HSBCHKHH:123456789001", "HK", ""),
        ("001-1234567", "JP:BOTKJPJT:0011234567", "JP", "0005"),
        ("123456-78-901234", "KR:SHBKKRSE:12345678901234", "KR", "088"),
        ("333301234567", "KR:KAKOKR22:333301234567", "KR", "090"),
        ("0200001234567890", "CN:ICBKCNBJ:0200001234567890", "CN", "中国工商银行"),
        ("0123-4/12345-6", "BR:341:0123123456", "BR", "341"),
        ("0123/12345-6", "BR:341:0123123456", "BR", "60701190"),
        ("1234567", "CA:000312345:1234567", "CA", "12345-003"),
        ("0000014579", "NG:011:0000014579", "NG", "011"),
        ("1234567890", "ZA:FIRNZAJJ:1234567890", "ZA", "250655"),
        ("012345678901", "TW:BKTWTWTP:012345678901", "TW", "004"),
        ("002010077777777771", "MX:002:002010077777777771", "MX", ""),
        ("2850590940090418135201", "AR:285:2850590940090418135201", "AR", ""),
        ("01-0902-0068389-00", "NZ:01:0109020068389000", "NZ", ""),
    ):
        yield ValueExample(raw, value, given={"country": country, "bank": bank})
    for raw, value, bic in (
        ("1234567890", "US:CHASUS33:1234567890", "CHASUS33XXX"),
        ("0123 12345-6", "BR:341:0123123456", "ITAUBRSP"),
        ("12345-003 1234567", "CA:000312345:1234567", "ROYCCAT2"),
        ("0000014579", "NG:011:0000014579", "FBNINGLA"),
        ("1234567890", "ZA:FIRNZAJJ:1234567890", "FIRNZAJJ"),
        ("919912345678", "IN:PYTM:919912345678", "PYTMINBB"),
        ("062-000 1234 5678", "AU:062000:12345678", "CTBAAU2S"),
    ):
        yield ValueExample(raw, value, given={"bic": bic})
    yield ValueExample("1234567", "JP:BOTKJPJT:0011234567", given={"country": "JP", "bank": "MUFG", "branch": "1"})


def _refused() -> Iterable[ValueExample]:
    """Yield refused values."""
    yield ValueExample("DE89370400440532013001", reason="iban-checksum")
    yield ValueExample("NO6686011117948", reason="iban-checksum")
    yield ValueExample("DE8937040044053201300", reason="iban-form")
    yield ValueExample("", reason="iban-checksum", given={"account_number": "DE89370400440532013001"})
    yield ValueExample(_GB, reason="iban-form", given={"account_number": _DE})
    yield ValueExample(_GB, reason="account-conflict", given={"account_number": "31926818"})
    yield ValueExample("", reason="account-conflict", given={"iban": _GB, "bank": "60-16-14"})
    yield ValueExample("1234567890", reason="account-conflict", given={"account_number": _DE})
    yield ValueExample(_DE, reason="iban-form", given={"iban": _GB})
    yield ValueExample("TH29KASI60161331926819", reason="iban-country")
    yield ValueExample("31926819", reason="iban-missing", given={"bic": "NWBKGB2L"})
    yield ValueExample("31926819", reason="iban-missing", given={"bank": "NWBKGB2L", "country": "GB"})
    yield ValueExample("31926819", reason="bank-unknown", given={"bank": "93-11-52"})
    yield ValueExample("0532013000", reason="iban-missing", given={"country": "DE", "bank": "Example Bank"})
    yield ValueExample("8601 11 17948", reason="iban-missing", given={"country": "NO"})
    yield ValueExample("1234567890", reason="bank-missing")
    yield ValueExample("", reason="bank-missing")
    yield ValueExample("1234567890", reason="bank-unknown", given={"bank": "Bank of Nowhere"})
    yield ValueExample("1234567890", reason="bank-unknown", given={"bank": "SCB"})
    yield ValueExample("1234567890", reason="bank-unknown", given={"bank": "SCB (KBANK branch)"})
    yield ValueExample("1234567890", reason="bank-conflict", given={"bank": "KBANK (ไทยพาณิชย์)"})
    yield ValueExample("012345678901", reason="bank-unknown", given={"bank": "034"})
    yield ValueExample("พร้อมเพย์ 0812345678", reason="bank-unknown")
    yield ValueExample("SCB 123-4-56789-0", reason="bank-conflict", given={"bic": "KASITHBK"})
    yield ValueExample("1234567890", reason="bic-form", given={"bic": "KASIXXBK"})
    yield ValueExample("1234567890", reason="bic-form", given={"bic": "KASITH"})
    yield ValueExample("SG:KASITHBK:1234567890", reason="bic-form")
    yield ValueExample("123456789", reason="digits-lost", given={"bank": "KBANK"})
    yield ValueExample("12345678901", reason="digits-lost", given={"bank": "ออมสิน"})
    yield ValueExample("12345", reason="account-form", given={"bank": "ออมสิน"})
    yield ValueExample("1234567", reason="account-form", given={"bic": "BOTKJPJT"})
    yield ValueExample("12", reason="account-form", given={"bic": "DBSSSGSG"})
    yield ValueExample("1234567890", reason="account-form", given={"account_number": "0987654321", "bank": "KBANK"})
    yield ValueExample("4111 1111 1111 1111", reason="card-number")
    yield ValueExample("TH:KASITHBK:4111111111111111", reason="card-number")
    yield ValueExample("1234567890", reason="bank-code", given={"bank": "021000022", "country": "US"})
    yield ValueExample("1234567890", reason="bank-unknown", given={"bank": "999999999999", "country": "KR"})
    yield ValueExample("12345678", reason="account-form", given={"bank": "HDFC0000001"})
    yield ValueExample("002010077777777772", reason="account-checksum", given={"country": "MX"})
    yield ValueExample("0000014578", reason="account-checksum", given={"bank": "011", "country": "NG"})


def every() -> Iterable[ValueExample]:
    """Yield the IBAN registry's examples and made-up numbers, in several spellings, and refused values."""
    yield from _ibans()
    yield from _thai()
    yield from _of_other_countries()
    yield from _refused()
