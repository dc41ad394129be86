"""Codes of banks in their countries' clearing, beside those in ``names``, and the code that stands for all.

Codes are those of each country's clearing (FedACH, Payments Canada, COMPE and others), BICs those of ISO 9362; both
are facts. Listed are banks of which each account has a number of its own throughout the bank, so that all codes of a
bank give one account. A code that is not listed stands for itself.
"""

from collections.abc import Iterator, Mapping
from functools import cache

# country: "BIC code code", one bank a line.
_BANKS: Mapping[str, tuple[str, ...]] = {
    "US": (
        "CHASUS33 021000021 021100361 021202337 022300173 044000037 051900366 061092387 065400137 071000013 072000326 "
        "074000010 075000019 083000137 102001017 103000648 111000614 122100024 123271978 124001545 267084131 322271627 "
        "325070760",
        "BOFAUS3N 026009593 011000138 011400495 011500010 011900254 021000322 021200339 031202084 051000017 052001633 "
        "053000196 053904483 054001204 061000052 063100277 064000020 072000805 081000032 082000073 101100045 103000017 "
        "107000327 111000025 113000023 121000358 122101706 122400724 123103716 125000024 323070380",
        "WFBIUS6S 121000248 121042882 122000247 111900659 102000076 091000019 062000080 063107513 061000227 053000219 "
        "031000503 021200025 026012881 051400549 054001220 055003201 053207766 124002971 321270742 122105278 125008547 "
        "123006800 124103799 107002192 104000058 073000228 091300010 091400046 092905278 074900275 075911988",
        "CITIUS33 021000089 031100209 052002166 254070116 266086554 271070801 321171184 322271724 321070007 113193532",
        "USBKUS44 091000022 042000013 081000210 122235821 123000220 125000105 102000021 122105155 082000549 064000059 "
        "074900783 073000545 104000029 075000022 124302150 123103729 121201694 101000187 071904779",
        "PNCCUS33 043000096 031207607 041000124 042000398 054000030 031100089 071921891 083000108",
        "NRTHUS33 031101266 031201360 011103093 026013673 036001808 054001725 067014822 011400071 211370545 211274450",
    ),
    "CA": (
        "BOFMCAM2 001",
        "NOSCCATT 002",
        "ROYCCAT2 003",
        "TDOMCATT 004",
        "BNDCCAMM 006",
        "CIBCCATT 010",
        "HKBCCATT 016",
        "BLCMCAMM 039",
    ),
    "NG": (
        "FBNINGLA 011",
        "UBNINGLA 032",
        "UNAFNGLA 033",
        "WEMANGLA 035",
        "ABNGNGLA 044",
        "ECOCNGLA 050",
        "ZEIBNGLA 057",
        "GTBINGLA 058",
        "FIDTNGLA 070",
        "FCMBNGLA 214",
    ),
    "ZA": (
        "SBZAZAJJ 051001",
        "NEDSZAJJ 198765",
        "FIRNZAJJ 250655",
        "CABLZAJJ 470010",
        "IVESZAJJ 580105",
        "ABSAZAJJ 632005",
    ),
    "TW": (
        "BKTWTWTP 004",
        "LBOTTWTP 005",
        "TACBTWTP 006",
        "FCBKTWTP 007",
        "HNBKTWTP 008",
        "CCBCTWTP 009",
        "ESUNTWTP 808",
        "CTCBTWTP 822",
    ),
    "KR": (
        "KODBKRSE 002",
        "NFFCKRSE 007",
        "CITIKRSX 027",
        "DAEBKR22 031",
        "PUSBKR2P 032",
        "KWABKRSE 034",
        "KAKOKR22 090",
    ),
    # The code of the clearing (COMPE), then that of the payment system (ISPB), as IBANs have it; BICs where known.
    "BR": (
        "BRASBRRJ 001 00000000",
        "- 003 04902979",
        "- 004 07237373",
        "- 021 28127603",
        "BSCHBRSP 033 90400888",
        "- 037 04913711",
        "- 041 92702067",
        "- 047 13009717",
        "- 070 00000208",
        "- 077 00416968",
        "- 085 05463212",
        "- 102 02332886",
        "CEFXBRSP 104 00360305",
        "- 121 10664513",
        "- 133 10398952",
        "- 136 00315557",
        "- 197 16501555",
        "- 208 30306294",
        "- 212 92894922",
        "- 218 71027866",
        "BBDEBRSP 237 60746948",
        "- 260 18236120",
        "- 290 08561701",
        "- 318 61186680",
        "- 323 10573521",
        "- 335 27098060",
        "- 336 31872495",
        "ITAUBRSP 341 60701190",
        "- 348 33264668",
        "- 364 09089356",
        "- 380 22896431",
        "- 389 17184037",
        "- 403 37880206",
        "SAFRBRSP 422 58160789",
        "- 461 19540550",
        "- 623 59285411",
        "- 633 68900810",
        "- 637 60889128",
        "- 655 59588111",
        "- 707 62232889",
        "CITIBRBR 745 33479023",
        "- 748 01181521",
        "- 756 02038232",
    ),
}
# Countries whose accounts are known by the bank's code: a check digit depends on it, or a branch's code is beside it.
_BY_CODE = frozenset({"BR", "CA", "NG"})


@cache
def _codes_of(country: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the canonical code of each code and BIC of a country, and the first code of each BIC."""
    known: dict[str, str] = {}
    codes: dict[str, str] = {}
    for line in _BANKS.get(country, ()):
        bic, *others = line.split()
        canonical = others[0] if country in _BY_CODE else bic
        known |= dict.fromkeys(others, canonical)
        if bic != "-":
            codes[bic] = others[0]
            known[bic] = canonical
            known.setdefault(bic[:6], canonical)
    return known, codes


def canonical_code(country: str, bank: str) -> str:
    """Return the canonical code of ``bank``, a code or a BIC of eight characters, "" if it stands for itself.

    The last two characters of a BIC name a place, and are not compared for a bank that is listed here.
    """
    known = _codes_of(country)[0]
    return known.get(bank) or (known.get(bank[:6], "") if len(bank) == 8 and bank[4:6] == country else "")


def bank_codes() -> Iterator[tuple[str, str, list[str]]]:
    """Yield the country, the BIC and the codes of each bank that has a BIC here."""
    for country, lines in _BANKS.items():
        for bic, *others in map(str.split, lines):
            if bic != "-":
                yield country, bic, others


def bic_by_code(country: str, bank: str) -> str:
    """Return the BIC of the bank that a country's code names, "" if it is not known here."""
    canonical = canonical_code(country, bank) or bank
    return next((bic for bic, code in _codes_of(country)[1].items() if canonical in (bic, code)), "")
