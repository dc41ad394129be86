"""Names and descriptions for people, in English and Thai, and STIX ``language-content``."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mappers import ids
from schemas import kinds
from schemas.report import Report
from schemas.vocabulary import OUTCOMES, OutcomeWord, ScamType

_SCAMS = {
    ScamType.INVESTMENT: ("an investment scam", "การหลอกลงทุน"),
    ScamType.MERCHANDISE: ("a merchandise scam", "การหลอกขายสินค้า"),
    ScamType.PROPERTY_RENTAL: ("a property or rental scam", "การหลอกให้เช่าหรือซื้อที่พัก"),
    ScamType.EMPLOYMENT_TASK: ("a job or task scam", "การหลอกให้ทำงานหรือทำภารกิจ"),
    ScamType.ADVANCE_FEE_PRIZE: ("an advance-fee or prize scam", "การหลอกให้โอนเงินล่วงหน้าหรือรับรางวัล"),
    ScamType.LOAN_DEBT: ("a loan or debt scam", "การหลอกให้กู้เงิน"),
    ScamType.CHARITY: ("a charity scam", "การหลอกรับบริจาค"),
    ScamType.IMPERSONATION_GOVERNMENT: ("the impersonation of an authority", "การแอบอ้างเป็นหน่วยงานรัฐ"),
    ScamType.IMPERSONATION_BUSINESS: ("the impersonation of a business", "การแอบอ้างเป็นบริษัท"),
    ScamType.IMPERSONATION_BANK: ("the impersonation of a bank", "การแอบอ้างเป็นธนาคาร"),
    ScamType.IMPERSONATION_TECH_SUPPORT: ("a tech-support scam", "การแอบอ้างเป็นฝ่ายสนับสนุนทางเทคนิค"),
    ScamType.IMPERSONATION_FAMILY_FRIEND: ("the impersonation of family or friends", "การแอบอ้างเป็นคนรู้จัก"),
    ScamType.ROMANCE: ("a romance scam", "การหลอกให้รัก"),
    ScamType.EXTORTION: ("extortion", "การข่มขู่กรรโชก"),
    ScamType.RECOVERY: ("a recovery scam", "การหลอกว่าจะช่วยนำเงินคืน"),
    ScamType.CREDENTIAL_PHISHING: ("credential phishing", "การหลอกเอาข้อมูลเข้าสู่ระบบ"),
    ScamType.CRYPTO_DRAINER: ("draining of crypto wallets", "การดูดเงินจากกระเป๋าคริปโต"),
    ScamType.MULE_RECRUITMENT: ("recruitment of money mules", "การชักชวนเปิดบัญชีม้า"),
    ScamType.TRAFFICKING_RECRUITMENT: ("recruitment into trafficking", "การล่อลวงไปค้ามนุษย์"),
}
_ANY = ("an online scam", "การหลอกลวงออนไลน์")
# The languages of names and descriptions; other languages get the first.
LANGUAGES = ("en", "th")


def language(lang: str) -> str:
    """Return the one of ``LANGUAGES`` for names beside a text in ``lang``."""
    return "th" if lang.partition("-")[0] == "th" else "en"


def name_prefix(kind: str, lang: str) -> str:
    """Return the text before the value in an indicator's name."""
    title = kinds.get(kind).title[lang]
    return f"{title}ที่ใช้ในการหลอกลวง: " if lang == "th" else f"{title} used in a scam: "


def sentence(kind: str, scam_type: str, lang: str) -> str:
    """Return a sentence in one language about a report."""
    english, thai = _SCAMS.get(ScamType(scam_type), _ANY) if scam_type in set(ScamType) else _ANY
    title = kinds.get(kind).title[lang]
    return f"มีรายงานว่า{title}นี้ถูกใช้ใน{thai}" if lang == "th" else f"{title} reported as used in {english}."


def scam_name(scam_type: str, lang: str) -> str | None:
    """Return the name of a type of scam for a heading, None for a word that has none."""
    if scam_type not in set(ScamType) or ScamType(scam_type) not in _SCAMS:
        return None
    english, thai = _SCAMS[ScamType(scam_type)]
    plain = english.removeprefix("an ").removeprefix("a ").removeprefix("the ")
    return thai if lang == "th" else plain[0].upper() + plain[1:]


def scam_names(lang: str) -> dict[str, str]:
    """Return the types of scams that have a name, with their names, to choose from."""
    return {scam: name for scam in ScamType if (name := scam_name(scam, lang))}


@lru_cache(maxsize=4096)
def description(kind: str, scam_type: str) -> str:
    """Return the description, in both languages, of a report without a text of its own."""
    return " / ".join(sentence(kind, scam_type, lang) for lang in LANGUAGES)


def outcome(word: OutcomeWord) -> str:
    """Return the explanation, in both languages, of an outcome without a text of its own."""
    return f"{OUTCOMES[word].english}. / {OUTCOMES[word].thai}"


def flow(source: str, target: str) -> str:
    """Return the description, in both languages, of money that went between two kinds."""
    one, other = (kinds.get(kind).title for kind in (source, target))
    return f"Money went from one to the other: {one['en']}, {other['en']}. / มีการโอนเงินจาก{one['th']}ไปยัง{other['th']}"


def needs_language_contents(report: Report) -> bool:
    """Return whether ``language_contents`` has anything for the indicator of a report."""
    return report.description is not None or report.lang.partition("-")[0] != "en"


def language_contents(indicator: Mapping[str, Any], report: Report) -> list[dict[str, Any]]:
    """Return the object with the name and the generated description in the other languages.

    None is needed for an indicator whose own texts are in both: in English, with the description that has Thai beside
    it. A reporter's text is never translated. Each version of the indicator has its version of this object.
    """
    if not needs_language_contents(report):
        return []
    own = report.lang.partition("-")[0]
    texts = {lang: _texts_in(report, lang) for lang in LANGUAGES if lang != own}
    return [
        {
            "type": "language-content",
            "spec_version": "2.1",
            "id": ids.language_content(indicator["id"]),
            "created_by_ref": indicator["created_by_ref"],
            "created": indicator["created"],
            "modified": indicator["modified"],
            "object_ref": indicator["id"],
            "object_modified": indicator["modified"],
            "contents": texts,
            "object_marking_refs": indicator["object_marking_refs"],
        }
    ]


def _texts_in(report: Report, lang: str) -> dict[str, str]:
    texts = {"name": name_prefix(report.kind, lang) + report.value}
    if report.description is None:
        texts["description"] = sentence(report.kind, report.scam_type, lang)
    return texts
