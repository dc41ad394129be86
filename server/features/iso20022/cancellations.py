"""``camt.056`` read as requests: each transaction asks for a return, or for a freeze."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from schemas import timestamp
from schemas.errors import Rejected, rejection_of
from schemas.records import Subject
from schemas.reference.numbers import refuse_unknown_currency
from schemas.request import Request, RequestWord
from server.features.iso20022.codes import FREEZE
from server.features.iso20022.parts import MessagePart, is_plain
from server.features.iso20022.reading import (
    AgentAt,
    Asking,
    MessageReader,
    Transaction,
    UnreadTransaction,
    amount_at,
    date_at,
    fields_in_lines,
    present,
)
from server.features.iso20022.xml import MessageRefused

LINES = ("deadline", "legal_basis", "legal_reference", "until", "reference", "message_id")
_DATE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})?")
_END_TO_END = re.compile(r"[A-Za-z0-9/?:().,'+ -]{1,35}")
_NOT_PROVIDED = re.compile(r"not ?provided|none|n/?a|0+", re.IGNORECASE)


class CancellationReader(MessageReader):
    """Reads the requests of ``camt.056``."""

    head = "Assgnmt"
    id_name = "Id"

    def transactions(self) -> list[Transaction]:
        """Return the transactions of all groups. Raises ``MessageRefused``."""
        self._assigner, self._assignee = self.start.agent("Assgnr/Agt"), self.start.agent("Assgne/Agt")
        self.check_number("CtrlData/NbOfTxs", len(self.top.every("Undrlyg/TxInf")))
        found: list[Transaction] = []
        for part in self.top.every("Undrlyg"):
            several, group = part.every("TxInf"), part.find("OrgnlGrpInfAndCxl")
            if not several:
                text = "a group is not cancelled as a whole: name its transactions"
                found.append(UnreadTransaction(part.path, MessageRefused("TxInf", part.path, text, "no-transactions")))
            found += self.each(several, lambda tx, group=group: self._asking(tx, group))  # type: ignore[misc] # bound
        return found

    def _asking(self, tx: MessagePart, group: MessagePart | None) -> Asking:
        reasons = [*tx.every("CxlRsnInf"), *(group.every("CxlRsnInf") if group else ())]
        asks, reason = _asks(reasons)
        said = dict(fields_in_lines(reasons, LINES))
        facts = _original(tx, group) | {
            "message_id": said.pop("message_id", None) or self.message_id,
            "cancellation_id": tx.text("CxlId", is_plain),
            "reason": reason,
            "assigner": self._assigner,
            "assignee": self._assignee,
            "debtor_agent": tx.agent("OrgnlTxRef/DbtrAgt"),
            "creditor_agent": tx.agent("OrgnlTxRef/CdtrAgt"),
        }
        of, written = _account(tx, facts["creditor_agent"])
        case = self._case(tx, group)
        amount, currency = amount_at(tx, "OrgnlIntrBkSttlmAmt", "OrgnlTxRef/IntrBkSttlmAmt", "OrgnlTxRef/Amt/InstdAmt")
        known = {
            "asks": self.defaults.asks or asks,
            "of": of,
            "reference": case or facts["cancellation_id"] or self.id,
            "amount": amount,
            "currency": currency,
            "uetr": tx.text("OrgnlUETR"),
            "end_to_end_id": tx.text("OrgnlEndToEndId", _names_payment),
            "deadline": timestamp.text(timestamp.to_millisecond(self.created + self.defaults.within)),
            "legal_basis": self.defaults.legal_basis,
            "payment": present(facts | written),
            "reporter": self.reporter,
            "reported_at": self.reported,
        }
        request = Request.model_validate(present(known | said))
        refuse_unknown_currency("currency", request.currency)
        own = [AgentAt(f"{self.start.path}/Assgnr", self._assigner)]
        if tx.find("OrgnlTxRef/DbtrAgt") is not None:
            own.append(AgentAt(f"{tx.path}/OrgnlTxRef/DbtrAgt", facts["debtor_agent"]))
        return Asking(tx.path, request, own)

    def _case(self, tx: MessagePart, group: MessagePart | None) -> str | None:
        """Return the number of the nearest case. Its creator is carried if it is the sender."""
        cases = [part.find("Case") for part in (tx, group, self.top) if part is not None]
        case = next(filter(None, cases), None)
        if case is None:
            return None
        if self._assigner is not None:
            case.agent("Cretr/Agt", self._assigner)
        return case.text("Id")


def _asks(reasons: Sequence[MessagePart]) -> tuple[RequestWord, str | None]:
    """Return the word that the reasons ask for, and the first code among them."""
    asks, reason = RequestWord.RETURN, None
    for part in reasons:
        own = part.find("Rsn/Prtry")
        if own is not None and own.raw.strip().upper() == FREEZE:
            asks = RequestWord.FREEZE
            own.use()
        elif reason is None:
            reason = part.code("Rsn")
    return asks, reason


def _names_payment(text: str) -> bool:
    return _END_TO_END.fullmatch(text) is not None and _NOT_PROVIDED.fullmatch(text.strip()) is None and is_plain(text)


def _original(tx: MessagePart, group: MessagePart | None) -> dict[str, Any]:
    """Return the ids of the original payment: those of the transaction, or else of its group."""
    own = tx.find("OrgnlGrpInf") or group
    return {
        "original_message_id": own and own.text("OrgnlMsgId", is_plain),
        "original_message_name": own and own.text("OrgnlMsgNmId", is_plain),
        "original_created": own and own.text("OrgnlCreDtTm", lambda text: _DATE_TIME.fullmatch(text) is not None),
        "instruction_id": tx.text("OrgnlInstrId", is_plain),
        "transaction_id": tx.text("OrgnlTxId", is_plain),
        "clearing_reference": tx.text("OrgnlClrSysRef", is_plain),
        "settled_on": date_at(tx, "OrgnlIntrBkSttlmDt", "OrgnlTxRef/IntrBkSttlmDt"),
    }


def _account(tx: MessagePart, agent: str | None) -> tuple[Subject, dict[str, str | None]]:
    """Return the account that received the money, and its number as written. Raises ``MessageRefused``."""
    path = f"{tx.path}/OrgnlTxRef/CdtrAcct"
    iban, other = tx.text("OrgnlTxRef/CdtrAcct/Id/IBAN"), tx.find("OrgnlTxRef/CdtrAcct/Id/Othr")
    if iban is None and other is None:
        text = "name the account that received the money, and its agent in CdtrAgt"
        raise MessageRefused("CdtrAcct", path, text, "account-missing")
    number = other.text("Id") if other else None
    details = {} if iban else _bank(agent)
    try:
        of = Subject.model_validate({"kind": "bank-account", "value": iban or number, "details": details})
    except ValidationError as error:
        refusal = rejection_of(error)
        raise MessageRefused(refusal.reason, path, refusal.message, refusal.reason) from None
    except Rejected as refusal:
        raise MessageRefused(refusal.reason, path, refusal.message, refusal.reason) from None
    return of, {} if other is None else {"account": number, "account_scheme": other.code("SchmeNm")}


def _bank(agent: str | None) -> dict[str, str]:
    """Return the columns that name an agent as the bank of an account."""
    columns: dict[str, str] = {}
    for part in (agent or "").split():
        system, mark, member = part.partition(":")
        columns |= {"country": system[:2], "bank": member} if mark else {"bic": part}
    return columns
