"""Vocabularies of reports and records, each closed or open as noted; effects of outcomes and findings."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

# Open vocabularies take any word of this form; the enums below hold the words to prefer.
WORD_PATTERN = "^[a-z0-9]+(-[a-z0-9]+)*$"
Word = Annotated[str, Field(pattern=WORD_PATTERN, max_length=60)]
WORD_SCHEMA = {"type": "string", "pattern": WORD_PATTERN, "maxLength": 60}


class Tlp(StrEnum):
    """Traffic Light Protocol 2.0 (FIRST, 2022), from the widest to the narrowest."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"


class ScamType(StrEnum):
    """The pretence of a scam. Open: partners may add words."""

    INVESTMENT = "investment"
    MERCHANDISE = "merchandise"
    PROPERTY_RENTAL = "property-rental"
    EMPLOYMENT_TASK = "employment-task"
    ADVANCE_FEE_PRIZE = "advance-fee-prize"
    LOAN_DEBT = "loan-debt"
    CHARITY = "charity"
    IMPERSONATION_GOVERNMENT = "impersonation-government"
    IMPERSONATION_BUSINESS = "impersonation-business"
    IMPERSONATION_BANK = "impersonation-bank"
    IMPERSONATION_TECH_SUPPORT = "impersonation-tech-support"
    IMPERSONATION_FAMILY_FRIEND = "impersonation-family-friend"
    ROMANCE = "romance"
    EXTORTION = "extortion"
    RECOVERY = "recovery"
    CREDENTIAL_PHISHING = "credential-phishing"
    CRYPTO_DRAINER = "crypto-drainer"
    MULE_RECRUITMENT = "mule-recruitment"
    TRAFFICKING_RECRUITMENT = "trafficking-recruitment"
    OTHER = "other"
    UNKNOWN = "unknown"


_PRODUCTS_SERVICES = {
    ScamType.INVESTMENT,
    ScamType.MERCHANDISE,
    ScamType.PROPERTY_RENTAL,
    ScamType.EMPLOYMENT_TASK,
    ScamType.ADVANCE_FEE_PRIZE,
    ScamType.LOAN_DEBT,
    ScamType.CHARITY,
}
_NEITHER = {ScamType.OTHER, ScamType.UNKNOWN}


def scam_category(scam_type: str) -> str:
    """Return the category of the Fed's ScamClassifier for a scam type: one of its two, else ``other``."""
    if scam_type in _PRODUCTS_SERVICES:
        return "products-services"
    if scam_type in set(ScamType) - _NEITHER:
        return "relationship-trust"
    return "other"


class Channel(StrEnum):
    """The place where the victim was met. Open."""

    SOCIAL_MEDIA = "social-media"
    MESSAGING = "messaging"
    PHONE = "phone"
    SMS = "sms"
    EMAIL = "email"
    WEBSITE = "website"
    AD = "ad"
    APP = "app"
    MARKETPLACE = "marketplace"
    IN_PERSON = "in-person"
    OTHER = "other"


class PaymentRail(StrEnum):
    """The way in which the money moved."""

    BANK = "bank"
    INSTANT = "instant"
    CARD = "card"
    CRYPTO = "crypto"
    GIFT_CARD = "gift-card"
    CASH = "cash"
    TELCO = "telco"


class ReferralAnswer(StrEnum):
    """The end of a referral, as the focal point answered."""

    ACCEPTED = "accepted"
    IN_CONTACT = "in-contact"
    PROTECTED = "protected"
    DECLINED = "declined"
    NOT_REACHED = "not-reached"
    NOT_COERCED = "not-coerced"


class Action(StrEnum):
    """The action that a reporter asks of readers, from the strongest to the weakest."""

    BLOCK = "block"
    HOLD = "hold"
    STEP_UP = "step-up"
    WARN = "warn"
    MONITOR = "monitor"
    INVESTIGATE = "investigate"


class HolderStatus(StrEnum):
    """The role of the person who holds an account: distinguishes offenders from victims."""

    UNKNOWN = "unknown"
    DECEIVED = "deceived"
    COERCED = "coerced"
    COMPLICIT = "complicit"


class SharingPurpose(StrEnum):
    """A purpose for which a contributor allows its reports to be used. Open."""

    FRAUD_PREVENTION = "fraud-prevention"
    LAW_ENFORCEMENT = "law-enforcement"
    RESEARCH = "research"
    VICTIM_PROTECTION = "victim-protection"


# The word that ``held`` had in versions before: it is still read, in files and in STIX, and never written.
FUNDS_HELD = "funds-held"


class OutcomeWord(StrEnum):
    """The result of an indicator at a partner that read it."""

    BLOCKED = "blocked"
    DECLINED = "declined"
    HELD = "held"
    RETURNED = "returned"
    WARNED = "warned"
    CUSTOMER_STOPPED = "customer-stopped"
    TAKEN_DOWN = "taken-down"
    RESTORED = "restored"
    NUMBER_DISCONNECTED = "number-disconnected"
    NO_ACTION = "no-action"
    FALSE_POSITIVE = "false-positive"
    ALREADY_KNOWN = "already-known"

    @classmethod
    def _missing_(cls, value: object) -> "OutcomeWord | None":
        """Read the word that ``held`` had in versions before."""
        return cls.HELD if value == FUNDS_HELD else None


class OutcomeReason(StrEnum):
    """The reason for an outcome. Open."""

    POLICY_VIOLATION = "policy-violation"
    LEGAL_ORDER = "legal-order"
    OWN_FINDING = "own-finding"
    HOLDER_VERIFIED = "holder-verified"
    LEGITIMATE_USE = "legitimate-use"
    SHARED_SERVICE = "shared-service"
    REASSIGNED = "reassigned"
    COMPROMISED = "compromised"
    ALREADY_GONE = "already-gone"
    NOT_OURS = "not-ours"
    INSUFFICIENT_EVIDENCE = "insufficient-evidence"
    OTHER = "other"


class OpinionWord(StrEnum):
    """The degree of agreement with an object (STIX 2.1, opinion-enum)."""

    STRONGLY_DISAGREE = "strongly-disagree"
    DISAGREE = "disagree"
    NEUTRAL = "neutral"
    AGREE = "agree"
    STRONGLY_AGREE = "strongly-agree"


class CaseContext(StrEnum):
    """The relation between the members of a case (STIX 2.1, grouping-context-ov)."""

    SUSPICIOUS_ACTIVITY = "suspicious-activity"
    MALWARE_ANALYSIS = "malware-analysis"
    UNSPECIFIED = "unspecified"


class OutcomeMeaning(NamedTuple):
    """The meaning of an outcome word, its texts for people, and its effects: all that a new word needs.

    ``english`` and ``thai`` explain an outcome without a text of its own. ``called`` are words of people and of other
    feeds that mean it, with blanks between them. ``opinion`` is the degree of agreement that readers of plain STIX see.
    ``acts``: it counts as the first action in the times of a listing. ``confirms``: it proves the reports of others
    right. ``judges``: somebody judged the value, so that it replaces the partner's earlier judgement; other words count
    payments and leave a judgement in force. ``doubt`` is the strength of the doubt that it expresses. ``ends``: it may
    have an end.
    """

    text: str
    english: str
    thai: str
    opinion: OpinionWord
    called: str = ""
    acts: bool = False
    confirms: bool = False
    judges: bool = False
    doubt: Literal["doubted", "disputed"] | None = None
    ends: bool = False


_AGREE, _STRONGLY_AGREE = OpinionWord.AGREE, OpinionWord.STRONGLY_AGREE
OUTCOMES: Mapping[OutcomeWord, OutcomeMeaning] = MappingProxyType(
    {
        OutcomeWord.BLOCKED: OutcomeMeaning(
            "the value was blocked",
            "Blocked",
            "ระงับหรือปิดกั้นแล้ว",
            _AGREE,
            called="block blocklisted",
            acts=True,
            confirms=True,
            judges=True,
            ends=True,
        ),
        OutcomeWord.DECLINED: OutcomeMeaning(
            "payments to it were declined",
            "Payments declined",
            "ปฏิเสธการโอนเงินแล้ว",
            _AGREE,
            called="rejected refused",
            acts=True,
            confirms=True,
        ),
        OutcomeWord.HELD: OutcomeMeaning(
            "money was held at the account or wallet",
            "Funds held",
            "อายัดเงินไว้แล้ว",
            _STRONGLY_AGREE,
            called="funds-held frozen funds-frozen hold",
            acts=True,
            confirms=True,
            judges=True,
            ends=True,
        ),
        OutcomeWord.RETURNED: OutcomeMeaning(
            "money was returned to its payers",
            "Money returned to the payers",
            "คืนเงินให้ผู้โอนแล้ว",
            _STRONGLY_AGREE,
            called="refunded recovered",
            acts=True,
            confirms=True,
        ),
        OutcomeWord.WARNED: OutcomeMeaning(
            "people who were about to pay or answer were warned",
            "People warned",
            "แจ้งเตือนแล้ว",
            _AGREE,
            called="warning alerted",
            acts=True,
        ),
        OutcomeWord.CUSTOMER_STOPPED: OutcomeMeaning(
            "people who were warned stopped by themselves",
            "Stopped by the customers themselves after a warning",
            "ลูกค้าหยุดทำรายการเองหลังได้รับคำเตือน",
            _AGREE,
            called="cancelled customer-cancelled abandoned",
            acts=True,
        ),
        OutcomeWord.TAKEN_DOWN: OutcomeMeaning(
            "a page, an account or a message was taken down",
            "Taken down",
            "นำออกแล้ว",
            _STRONGLY_AGREE,
            called="takedown removed suspended disabled",
            acts=True,
            confirms=True,
            judges=True,
        ),
        OutcomeWord.RESTORED: OutcomeMeaning(
            "a block, a hold or a takedown was reversed",
            "Restored: the earlier action was reversed",
            "คืนสภาพเดิมแล้ว",
            OpinionWord.DISAGREE,
            called="reinstated unblocked released",
            judges=True,
            doubt="doubted",
        ),
        OutcomeWord.NUMBER_DISCONNECTED: OutcomeMeaning(
            "a telephone number was disconnected",
            "Number disconnected",
            "ระงับหมายเลขแล้ว",
            _STRONGLY_AGREE,
            called="disconnected",
            acts=True,
            confirms=True,
            judges=True,
        ),
        OutcomeWord.NO_ACTION: OutcomeMeaning(
            "it was looked at, and nothing was done",
            "Reviewed, no action taken",
            "ตรวจสอบแล้ว ไม่ได้ดำเนินการ",
            OpinionWord.NEUTRAL,
            called="none no-action-taken",
            judges=True,
            doubt="doubted",
        ),
        OutcomeWord.FALSE_POSITIVE: OutcomeMeaning(
            "it is not part of a scam",
            "Not part of a scam: a false positive",
            "ไม่เกี่ยวข้องกับการหลอกลวง (รายงานคลาดเคลื่อน)",
            OpinionWord.STRONGLY_DISAGREE,
            called="fp benign",
            judges=True,
            doubt="disputed",
        ),
        OutcomeWord.ALREADY_KNOWN: OutcomeMeaning(
            "it was known there before",
            "Already known",
            "ทราบอยู่ก่อนแล้ว",
            _AGREE,
            called="known duplicate",
            judges=True,
        ),
    }
)


def outcomes_that(property_: Literal["acts", "confirms", "judges", "ends"]) -> frozenset[OutcomeWord]:
    """Return the words with one of these properties."""
    return frozenset(word for word, meaning in OUTCOMES.items() if getattr(meaning, property_))


class QualificationCode(StrEnum):
    """The finding of the provider of an account: the nine codes of FNC-RF (Banque de France)."""

    FRAUD = "fraud"
    IDENTITY_STOLEN = "identity-stolen"
    CLOSED = "closed"
    GENUINE = "genuine"
    MERCHANT = "merchant"
    UNKNOWN = "unknown"
    MISATTRIBUTED = "misattributed"
    NOT_FOUND = "not-found"
    REGULARISED = "regularised"


# These findings mean that a listing is wrong; for ``regularised`` it was right before.
SAYS_WRONG = frozenset({QualificationCode.GENUINE, QualificationCode.MISATTRIBUTED})


class QualificationEffect(NamedTuple):
    """The effect of a finding on the listings of the account.

    ``most`` is the strongest grade allowed afterwards, None for any; ``clears``: the account is disputed, too.
    ``confirms``: the provider counts as a reporter with authority that knows the ``holder``. ``ends``: reports up to
    the finding no longer count. ``opinion``, ``outcome`` and ``reason`` are the words by which others know it.
    """

    meaning: str
    opinion: OpinionWord
    outcome: OutcomeWord | None = None
    reason: OutcomeReason | None = None
    most: Action | None = None
    clears: bool = False
    confirms: bool = False
    ends: bool = False
    holder: HolderStatus | None = None


FINDINGS: Mapping[QualificationCode, QualificationEffect] = MappingProxyType(
    {
        QualificationCode.FRAUD: QualificationEffect(
            "it serves fraud; the provider acts on it",
            OpinionWord.STRONGLY_AGREE,
            OutcomeWord.BLOCKED,
            OutcomeReason.OWN_FINDING,
            confirms=True,
        ),
        QualificationCode.IDENTITY_STOLEN: QualificationEffect(
            "somebody else uses the holder's identity or account",
            OpinionWord.AGREE,
            OutcomeWord.BLOCKED,
            OutcomeReason.COMPROMISED,
            most=Action.HOLD,
            confirms=True,
            holder=HolderStatus.DECEIVED,
        ),
        QualificationCode.CLOSED: QualificationEffect(
            "the account is closed: nothing can be paid into it",
            OpinionWord.NEUTRAL,
            OutcomeWord.NO_ACTION,
            OutcomeReason.ALREADY_GONE,
            ends=True,
        ),
        QualificationCode.GENUINE: QualificationEffect(
            "the provider knows the holder and finds no fraud",
            OpinionWord.STRONGLY_DISAGREE,
            OutcomeWord.FALSE_POSITIVE,
            OutcomeReason.HOLDER_VERIFIED,
            most=Action.INVESTIGATE,
            clears=True,
        ),
        QualificationCode.MERCHANT: QualificationEffect(
            "a merchant's account, into which many pay for goods: a dispute about these is no scam",
            OpinionWord.DISAGREE,
            OutcomeWord.NO_ACTION,
            OutcomeReason.LEGITIMATE_USE,
            most=Action.WARN,
        ),
        QualificationCode.UNKNOWN: QualificationEffect(
            "the provider has investigated and cannot tell", OpinionWord.NEUTRAL
        ),
        QualificationCode.MISATTRIBUTED: QualificationEffect(
            "the report confuses this account with another one",
            OpinionWord.STRONGLY_DISAGREE,
            OutcomeWord.FALSE_POSITIVE,
            OutcomeReason.NOT_OURS,
            most=Action.INVESTIGATE,
            clears=True,
        ),
        QualificationCode.NOT_FOUND: QualificationEffect(
            "the provider has no such account",
            OpinionWord.NEUTRAL,
            OutcomeWord.NO_ACTION,
            OutcomeReason.NOT_OURS,
            ends=True,
        ),
        QualificationCode.REGULARISED: QualificationEffect(
            "it was used for fraud, and is back under its holder's control",
            OpinionWord.DISAGREE,
            OutcomeWord.FALSE_POSITIVE,
            OutcomeReason.REASSIGNED,
            most=Action.INVESTIGATE,
            clears=True,
        ),
    }
)
