"""Names and codes of banks outside Thailand whose accounts have no IBAN, and the BIC of each.

Codes are those of each country's clearing, BICs those of ISO 9362; both are facts. A bank that is not here is known
by its BIC, or by its code alone.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

# country: "BIC code code|name|name", the codes as the country's clearing has them.
_BANKS = {
    "CN": (
        "ICBKCNBJ 102|icbc|industrial and commercial bank of china|工商银行|中国工商银行",
        "ABOCCNBJ 103|abc|agricultural bank of china|农业银行|中国农业银行",
        "BKCHCNBJ 104|boc|bank of china|中国银行",
        "PCBCCNBJ 105|ccb|china construction bank|建设银行|中国建设银行",
        "COMMCNSH 301|bocom|bank of communications|交通银行",
        "CIBKCNBJ 302|citic|china citic bank|中信银行",
        "EVERCNBJ 303|ceb|china everbright bank|光大银行|中国光大银行",
        "HXBKCNBJ 304|hua xia bank|华夏银行",
        "MSBCCNBJ 305|cmbc|china minsheng bank|民生银行|中国民生银行",
        "GDBKCN22 306|cgb|china guangfa bank|广发银行",
        "SZDBCNBS 307|pab|ping an bank|平安银行",
        "CMBCCNBS 308|cmb|china merchants bank|招商银行",
        "FJIBCNBA 309|cib|industrial bank|兴业银行",
        "SPDBCNSH 310|spdb|shanghai pudong development bank|浦发银行",
        "PSBCCNBJ 403|psbc|postal savings bank of china|邮储银行|中国邮政储蓄银行",
    ),
    "HK": (
        "SCBLHKHH 003|standard chartered bank|渣打銀行",
        "HSBCHKHH 004|hsbc|hongkong and shanghai banking corporation|匯豐銀行|滙豐銀行",
        "CITIHKHX 006|citibank|花旗銀行",
        "CCBQHKAX 009|ccb asia|china construction bank asia",
        "BKCHHKHH 012|bochk|bank of china|bank of china hong kong|中國銀行|中銀香港",
        "BEASHKHH 015|bea|bank of east asia|東亞銀行",
        "DHBKHKHH 016|dbs|dbs bank hong kong|星展銀行",
        "HASEHKHH 024|hang seng bank|恒生銀行",
        "DSBAHKHH 040|dah sing bank|大新銀行",
        "UBHKHKHH 072|icbc asia",
    ),
    "ID": (
        "BRINIDJA 002|bri|bank rakyat indonesia",
        "BMRIIDJA 008|mandiri|bank mandiri",
        "BNINIDJA 009|bni|bank negara indonesia",
        "BDINIDJA 011|danamon|bank danamon indonesia",
        "BBBAIDJA 013|permata|permata bank|bank permata",
        "CENAIDJA 014|bca|bank central asia",
        "IBBKIDJA 016|maybank|maybank indonesia",
        "PINBIDJA 019|panin|panin bank",
        "BNIAIDJA 022|cimb niaga|bank cimb niaga",
        "NISPIDJA 028|ocbc nisp|ocbc",
        "BTANIDJA 200|btn|bank tabungan negara",
        "MEGAIDJA 426|mega|bank mega",
        "BSMDIDJA 451|bsi|bank syariah indonesia",
    ),
    "IN": (
        "AXISINBB UTIB|axis bank",
        "BARBINBB BARB|bob|bank of baroda",
        "BKIDINBB BKID|bank of india",
        "CBININBB CBIN|central bank of india",
        "CNRBINBB CNRB|canara bank",
        "FDRLINBB FDRL|federal bank",
        "HDFCINBB HDFC|hdfc bank",
        "IBKLINBB IBKL|idbi bank",
        "ICICINBB ICIC|icici bank",
        "IDFBINBB IDFB|idfc first bank",
        "IDIBINBB IDIB|indian bank",
        "INDBINBB INDB|indusind bank",
        "IOBAINBB IOBA|indian overseas bank",
        "KKBKINBB KKBK|kotak|kotak mahindra bank",
        "MAHBINBB MAHB|bank of maharashtra",
        "PUNBINBB PUNB|pnb|punjab national bank",
        "RATNINBB RATN|rbl bank",
        "SBININBB SBIN|sbi|state bank of india",
        "UBININBB UBIN|union bank of india",
        "UCBAINBB UCBA|uco bank",
        "YESBINBB YESB|yes bank",
    ),
    "JP": (
        "MHCBJPJT 0001|mizuho|mizuho bank|みずほ銀行",
        "BOTKJPJT 0005|mufg|mufg bank|三菱ufj銀行",
        "SMBCJPJT 0009|smbc|sumitomo mitsui banking corporation|三井住友銀行",
        "DIWAJPJT 0010|resona bank|りそな銀行",
        "RAKTJPJT 0036|rakuten bank|楽天銀行",
    ),
    "KR": (
        "IBKOKRSE 003|ibk|industrial bank of korea|기업은행",
        "CZNBKRSE 004|kb|kookmin bank|kb kookmin bank|국민은행",
        "NACFKRSE 011|nh|nonghyup bank|농협|농협은행",
        "HVBKKRSE 020|woori bank|우리은행",
        "SCBLKRSE 023|sc first bank|standard chartered bank korea",
        "KOEXKRSE 081|hana bank|keb hana bank|하나은행",
        "SHBKKRSE 088|shinhan bank|신한은행",
    ),
    "MY": (
        "AGOBMYKL|agrobank",
        "ARBKMYKL|ambank",
        "BIMBMYKL|bank islam|bank islam malaysia",
        "BKRMMYKL|bank rakyat",
        "BSNAMYK1|bsn|bank simpanan nasional",
        "CIBBMYKL|cimb|cimb bank",
        "HBMBMYKL|hsbc|hsbc bank malaysia",
        "HLBBMYKL|hlb|hong leong bank",
        "MBBEMYKL|maybank|malayan banking",
        "MFBBMYKL|alliance bank|alliance bank malaysia",
        "OCBCMYKL|ocbc|ocbc bank malaysia",
        "PBBEMYKL|public bank",
        "PHBMMYKL|affin bank",
        "RHBBMYKL|rhb|rhb bank",
        "SCBLMYKX|standard chartered bank malaysia",
        "UOVBMYKL|uob|united overseas bank malaysia",
    ),
    "PH": (
        "AUBKPHMM|aub|asia united bank",
        "BNORPHMM|bdo|bdo unibank|banco de oro",
        "BOPIPHMM|bpi|bank of the philippine islands",
        "CHBKPHMM|china bank|china banking corporation|chinabank",
        "DBPHPHMM|dbp|development bank of the philippines",
        "EWBCPHMM|eastwest bank|east west bank",
        "MBTCPHMM|metrobank|metropolitan bank and trust company",
        "PNBMPHMM|pnb|philippine national bank",
        "RCBCPHMM|rcbc|rizal commercial banking corporation",
        "SETCPHMM|security bank",
        "TLBPPHMM|land bank|landbank|land bank of the philippines",
        "UBPHPHMM|unionbank|union bank of the philippines",
    ),
    "SG": (
        "BKCHSGSG|bank of china",
        "CIBBSGSG|cimb|cimb bank",
        "CITISGSG|citibank",
        "DBSSSGSG 7171|dbs|dbs bank|posb",
        "HSBCSGSG|hsbc",
        "OCBCSGSG 7339|ocbc|ocbc bank|oversea chinese banking corporation",
        "SCBLSG22|standard chartered bank",
        "UOVBSGSG 7375|uob|united overseas bank",
    ),
    "VN": (
        "VBAAVNVX 970405|agribank|vbard",
        "SGTTVNVX 970403|sacombank|stb",
        "VTCBVNVX 970407|techcombank|tcb",
        "ICBVVNVX 970415|vietinbank|ctg",
        "ASCBVNVX 970416|acb|asia commercial bank",
        "BIDVVNVX 970418|bidv",
        "MSCBVNVX 970422|mb|mb bank|military bank|mbbank",
        "TPBVVNVX 970423|tpbank|tien phong bank",
        "MCOBVNVX 970426|msb|maritime bank",
        "EBVIVNVX 970431|eximbank",
        "VPBKVNVX 970432|vpbank",
        "BFTVVNVX 970436|vietcombank|vcb",
        "HDBCVNVX 970437|hdbank",
        "SEAVVNVX 970440|seabank",
        "VNIBVNVX 970441|vib",
        "SHBAVNVX 970443|shb",
    ),
}
_PUNCTUATION = re.compile(r"[\W_]+")
_FORM = re.compile(r"(?:limited|ltd|pte|plc|inc|corporation|corp|berhad|bhd|tbk|persero|sdn|company|co|na|jsc)+$")
_BEFORE = re.compile(r"^(?:the|pt(?=bank)|nganhang)")


def _key(name: str) -> str:
    """Return a name without its form of company, punctuation and case."""
    text = _PUNCTUATION.sub("", unicodedata.normalize("NFKC", name).casefold())
    return _FORM.sub("", _BEFORE.sub("", text)) or text


@cache
def _bics_of(country: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return a country's BICs by name and by code."""
    by_name: dict[str, str] = {}
    by_code: dict[str, str] = {}
    for line in _BANKS.get(country, ()):
        ids, *names = line.split("|")
        bic, *codes = ids.split()
        by_code |= dict.fromkeys(codes, bic)
        for key in map(_key, [bic, *names]):
            by_name[key] = bic
            if key.endswith("bank") and len(key) > len("bank") + 2:
                by_name[key.removesuffix("bank")] = bic
    return by_name, by_code


def bic_by_name(country: str, name: str) -> str:
    """Return the BIC of the bank of that name in ``country``, "" if none is known."""
    return _bics_of(country)[0].get(_key(name), "")


def bic_by_code(country: str, code: str) -> str:
    """Return the BIC of the bank with that code in the country's clearing, "" if it is not known."""
    return _bics_of(country)[1].get(code, "")


def bank_codes() -> Iterator[tuple[str, str, list[str], str]]:
    """Yield the country, the BIC, the codes and a name of each bank; some have no code."""
    for country, lines in _BANKS.items():
        for line in lines:
            ids, *called = line.split("|")
            bic, *others = ids.split()
            yield country, bic, others, max(called, key=len) if called else ""


def all_names(country: str) -> list[str]:
    """Return the names of a country's banks, as people write them."""
    return [name for line in _BANKS.get(country, ()) for name in line.split("|")[1:]]
