"""Vocabularies of reports and records, each closed or open as noted."""

from enum import StrEnum
from typing import Annotated

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
    """The result of an indicator at a partner that read it; ``schemas.outcomes`` has the meaning of each word."""

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
