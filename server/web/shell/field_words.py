"""The labels of the fields of reports, requests and other records, for forms, columns and messages about a field."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from server.web.shell.languages import Language
from server.web.shell.words import Translatable, mark

FIELD_LABELS: Mapping[str, Translatable] = MappingProxyType(
    {
        "account_number": mark("Account number"),
        "addressee": mark("Addressee"),
        "also_to": mark("Other addressees"),
        "amount": mark("Amount"),
        "bank": mark("Bank"),
        "branch": mark("Branch"),
        "channel": mark("Where the contact was made"),
        "confidence": mark("Confidence, 0 to 100"),
        "country": mark("Country of the value"),
        "currency": mark("Coin or chain of a wallet"),
        "deadline": mark("Deadline"),
        "description": mark("Description, without names of people"),
        "effective_from": mark("In effect from"),
        "effective_until": mark("In effect until"),
        "end_to_end_id": mark("End-to-end id of the payment"),
        "evidence": mark("Evidence"),
        "first_seen": mark("First seen"),
        "hold_amount": mark("Amount held"),
        "hold_currency": mark("Currency of the amount held"),
        "hold_until": mark("End of the hold"),
        "holder_status": mark("State of the account holder"),
        "iban": mark("IBAN"),
        "kind": mark("Kind of the value"),
        "last_seen": mark("Last seen"),
        "legal_basis": mark("Legal basis"),
        "legal_reference": mark("Reference of the legal basis"),
        "location": mark("Location"),
        "of": mark("Concerned value"),
        "of_reporter": mark("Report of one reporter"),
        "paid_amount": mark("Amount paid"),
        "paid_currency": mark("Currency of the amount paid"),
        "period_from": mark("Beginning of the period"),
        "period_to": mark("End of the period"),
        "platform": mark("Platform"),
        "reason": mark("Reason"),
        "reference": mark("Our reference"),
        "reported_at": mark("Date of the report"),
        "right_addressee": mark("Right addressee"),
        "scam_type": mark("Type of scam"),
        "territory": mark("Territory"),
        "tlp": mark("Marking (TLP)"),
        "transaction_hash": mark("Transaction id on the blockchain"),
        "uetr": mark("UETR of the payment"),
        "until": mark("Until"),
        "valid_until": mark("Valid until"),
        "value": mark("Value: address, number or account"),
        "victims": mark("Number of victims"),
        "went_to": mark("Where the money went"),
    }
)
# A name of several words, or any name in front of what is wrong with the field.
_NAME = re.compile(r"(?<![\w@./:-])[a-z]+(?:_[a-z0-9]+)+(?![\w@/]|[:-]\w)|^[a-z0-9]+(?:[._][a-z0-9]+)*(?=: )")


def field_label(language: Language, name: str) -> str:
    """Return the label of a field; its name in separate words where it has none."""
    known = FIELD_LABELS.get(name)
    return language.text(known) if known else re.sub("[._]", " ", name)


def with_labels(language: Language, message: str) -> str:
    """Return a message with the labels of the fields that it names, instead of the names that programs use."""

    def label(found: re.Match[str]) -> str:
        is_word = found[0].isalpha() and found[0] not in FIELD_LABELS
        return found[0] if is_word else f"“{field_label(language, found[0])}”"

    return _NAME.sub(label, message)
