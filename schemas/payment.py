"""The payment that a request is about, and the message that asked, by their names in ISO 20022."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.errors import Rejected

# Max35Text in visible characters; an external code, or a text of the banks' own behind the prefix.
TEXT = r"^[!-~]([ -~]{0,33}[!-~])?$"
PROPRIETARY = "proprietary:"
_CODE = r"^([A-Z0-9]{1,4}|proprietary:[!-~]([ -~]{0,33}[!-~])?)$"
_BIC = r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?"
_CLEARING = r"[A-Z]{2}[A-Z0-9]{1,3}:[A-Za-z0-9]{1,28}"
AGENT = rf"^({_BIC}|{_CLEARING}|{_BIC} {_CLEARING})$"
_DATE = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})?$"

_Text = Annotated[str | None, Field(pattern=TEXT, max_length=35)]
_Code = Annotated[str | None, Field(pattern=_CODE)]
_Agent = Annotated[str | None, Field(pattern=AGENT)]


class Payment(BaseModel):
    """Facts of a payment and of a message about it. It has no field for a person, a name or a payer's account.

    An agent is a BIC, a clearing system's code with the member's number (``GBDSC:601613``), or both with a blank.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    message_id: Annotated[_Text, Field(description="id of the message that a party sent: its assignment or MsgId")] = (
        None
    )
    cancellation_id: Annotated[_Text, Field(description="CxlId")] = None
    return_id: Annotated[_Text, Field(description="RtrId")] = None
    original_message_id: Annotated[_Text, Field(description="OrgnlMsgId")] = None
    original_message_name: Annotated[_Text, Field(description="OrgnlMsgNmId, as pacs.008.001.08")] = None
    original_created: Annotated[str | None, Field(pattern=_TIME, description="OrgnlCreDtTm")] = None
    instruction_id: Annotated[_Text, Field(description="OrgnlInstrId")] = None
    transaction_id: Annotated[_Text, Field(description="OrgnlTxId")] = None
    clearing_reference: Annotated[_Text, Field(description="OrgnlClrSysRef")] = None
    settled_on: Annotated[str | None, Field(pattern=_DATE, description="date of settlement")] = None
    settlement_method: Annotated[str | None, Field(pattern=r"^(INDA|INGA|COVE|CLRG)$", description="SttlmMtd")] = None
    reason: Annotated[_Code, Field(description="code of the reason, as FRAD or AM04")] = None
    assigner: Annotated[_Agent, Field(description="agent that sent the message")] = None
    assignee: Annotated[_Agent, Field(description="agent that receives it")] = None
    debtor_agent: Annotated[_Agent, Field(description="agent of the payer")] = None
    creditor_agent: Annotated[_Agent, Field(description="agent of the payee, which keeps the account")] = None
    account: Annotated[
        str | None, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./-]{0,33}$", description="the account's number as written")
    ] = None
    account_scheme: Annotated[_Code, Field(description="scheme of that number, as BBAN")] = None


# Fields whose text a sender chooses, in which the number of a person could be.
CHOSEN_TEXTS: Final = (
    *("message_id", "cancellation_id", "return_id", "original_message_id", "instruction_id", "transaction_id"),
    *("clearing_reference", "reason", "account_scheme"),
)


def is_number_of(written: str, value: str) -> bool:
    """Return whether an account's number as written is that of an account in its normal form."""
    bare = re.sub(r"[^A-Z0-9]", "", written.upper()).lstrip("0")
    return bool(bare) and bare in value.upper().replace(":", "")


def _facts(payment: Payment) -> Payment:
    if payment == Payment():
        raise Rejected("empty-payment", "payment: leave it out where it has nothing")
    return payment


PaymentFacts = Annotated[Payment, AfterValidator(_facts)]
