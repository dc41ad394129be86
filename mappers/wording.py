"""Names and descriptions for people, in English and Thai."""

from schemas import kinds
from schemas.vocabulary import ScamType

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


def name_prefix(kind: str) -> str:
    """Give what stands before the value in an indicator's name."""
    return f"{kinds.get(kind).title['en']} used in a scam: "


def description(kind: str, scam_type: str) -> str:
    """Say in both languages what is reported, for a report that has no words of its own."""
    english, thai = _SCAMS.get(ScamType(scam_type), _ANY) if scam_type in set(ScamType) else _ANY
    return (
        f"{kinds.get(kind).title['en']} reported as used in {english}. "
        f"/ มีรายงานว่า{kinds.get(kind).title['th']}นี้ถูกใช้ใน{thai}"
    )
