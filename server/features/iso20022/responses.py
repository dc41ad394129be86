"""``camt.029`` and ``pacs.004`` read as responses to requests."""

from typing import Any, ClassVar

from schemas.request import RequestState
from server.features.iso20022.codes import STATES, reason_of
from server.features.iso20022.parts import MessagePart, is_plain
from server.features.iso20022.reading import (
    AgentAt,
    Mark,
    MessageReader,
    Responding,
    Transaction,
    amount_at,
    date_at,
    fields_in_lines,
    is_date,
    present,
)
from server.features.iso20022.xml import MessageRefused

LINES = ("state", "went_to", "message_id", "case")
# The facts by which a transaction names the original payment.
_MARKS = {
    "OrgnlGrpInf/OrgnlMsgId": "original_message_id",
    "OrgnlGrpInf/OrgnlMsgNmId": "original_message_name",
    "OrgnlGrpInf/OrgnlCreDtTm": "original_created",
    "OrgnlInstrId": "instruction_id",
    "OrgnlEndToEndId": "end_to_end_id",
    "OrgnlTxId": "transaction_id",
    "OrgnlUETR": "uetr",
    "OrgnlClrSysRef": "clearing_reference",
    "OrgnlIntrBkSttlmDt": "settled_on",
    "OrgnlTxRef/IntrBkSttlmDt": "settled_on",
    "OrgnlTxRef/CdtrAcct/Id/IBAN": "account",
    "OrgnlTxRef/CdtrAcct/Id/Othr/Id": "account",
}
_AMOUNTS = ("OrgnlIntrBkSttlmAmt", "OrgnlTxRef/IntrBkSttlmAmt")
_AGENTS = {"OrgnlTxRef/DbtrAgt": "debtor_agent", "OrgnlTxRef/CdtrAgt": "creditor_agent"}


class _ResponseReader(MessageReader):
    """The part that both kinds of response share."""

    reasons: ClassVar[str]

    def _marks(self, tx: MessagePart) -> list[Mark]:
        found = [Mark(name, part.use(), part.path) for path, name in _MARKS.items() if (part := tx.find(path))]
        for part in filter(None, map(tx.find, _AMOUNTS)):
            found.append(Mark("amount", f"{part.use()} {part.attribute('Ccy')}", part.path))
        if (scheme := tx.code("OrgnlTxRef/CdtrAcct/Id/Othr/SchmeNm")) is not None:
            found.append(Mark("account_scheme", scheme, f"{tx.path}/OrgnlTxRef/CdtrAcct/Id/Othr/SchmeNm"))
        for path, name in _AGENTS.items():
            if (agent := tx.agent(path)) is not None:
                found.append(Mark(name, agent, f"{tx.path}/{path}"))
        return found

    def _said(self, tx: MessagePart) -> tuple[str | None, dict[str, list[str]]]:
        """Return the code of the first reason, and the fields in the lines of all."""
        reasons = tx.every(self.reasons)
        said: dict[str, list[str]] = {}
        for name, text in fields_in_lines(reasons, LINES):
            said.setdefault(name, []).append(text)
        return (reasons[0].code("Rsn") if reasons else None), said

    def _step(self, state: RequestState, **more: Any) -> dict[str, Any]:
        return {"state": state, "reporter": self.reporter, "reported_at": self.reported, **present(more)}

    def _creditor_agent(self, tx: MessagePart) -> list[AgentAt]:
        path = "OrgnlTxRef/CdtrAgt"
        return [AgentAt(f"{tx.path}/{path}", tx.agent(path))] if tx.find(path) is not None else []


class ResolutionReader(_ResponseReader):
    """Reads the responses of ``camt.029``: each acknowledges, agrees or disagrees."""

    head = "Assgnmt"
    id_name = "Id"
    reasons = "CxlStsRsnInf"

    def transactions(self) -> list[Transaction]:
        """Return the transactions; without any, the resolution of the case counts as one."""
        self._assigner, self._assignee = self.start.agent("Assgnr/Agt"), self.start.agent("Assgne/Agt")
        self._status = self.top.text("Sts/Conf")
        return self.each(self.top.every("CxlDtls/TxInfAndSts") or [self.top], self._responding)

    def _responding(self, tx: MessagePart) -> Responding:
        code, said = self._said(tx)
        amount, currency = amount_at(tx, "RsltnRltdInf/IntrBkSttlmAmt")
        facts = {
            "message_id": said.get("message_id", [self.message_id])[0],
            "reason": code,
            "settled_on": date_at(tx, "RsltnRltdInf/IntrBkSttlmDt"),
            "assigner": self._assigner,
            "assignee": self._assignee,
        }
        more: dict[str, Any] = {"went_to": said.get("went_to"), "payment": present(facts)}
        states = self._states(tx, said)
        if states == [RequestState.DISAGREED]:
            more["reason"] = reason_of(code)
        elif states != [RequestState.ACKNOWLEDGED]:
            more |= {"amount": amount, "currency": currency}
        own = [AgentAt(f"{self.start.path}/Assgnr", self._assigner), *self._creditor_agent(tx)]
        return Responding(tx.path, [*self._case(tx), *self._marks(tx)], [self._step(s, **more) for s in states], own)

    def _states(self, tx: MessagePart, said: dict[str, list[str]]) -> list[RequestState]:
        """Return the states that a transaction takes its request to. Raises ``MessageRefused`` for another status."""
        if said.get("state") == [RequestState.DONE]:
            tx.text("TxCxlSts")
            return [RequestState.AGREED, RequestState.DONE]
        status = tx.text("TxCxlSts") or self._status or ""
        if status not in STATES:
            text = f"a status that a request has no state for; it has one for {', '.join(STATES)}"
            raise MessageRefused("TxCxlSts", tx.path, text, "unknown-status")
        return [STATES[status]]

    def _case(self, tx: MessagePart) -> list[Mark]:
        """Return the number of the case. Its creator is carried if it is the agent that the message goes to."""
        case = tx.find("RslvdCase") or self.top.find("RslvdCase")
        if case is None:
            return []
        if self._assignee is not None:
            case.agent("Cretr/Agt", self._assignee)
        return [Mark("case", case.text("Id") or "", f"{case.path}/Id")]


class ReturnReader(_ResponseReader):
    """Reads the responses of ``pacs.004``: each has returned money, in whole or in part."""

    head = "GrpHdr"
    id_name = "MsgId"
    reasons = "RtrRsnInf"

    def transactions(self) -> list[Transaction]:
        """Return the transactions. Raises ``MessageRefused``."""
        parts = self.top.every("TxInf")
        self.check_number("GrpHdr/NbOfTxs", len(parts))
        self._method = self.start.text("SttlmInf/SttlmMtd")
        self._settled_on = self.start.text("IntrBkSttlmDt", is_date)
        self._instructing, self._instructed = self.start.agent("InstgAgt"), self.start.agent("InstdAgt")
        return self.each(parts, self._responding)

    def _responding(self, tx: MessagePart) -> Responding:
        code, said = self._said(tx)
        amount, currency = amount_at(tx, "RtrdIntrBkSttlmAmt")
        instructing = tx.agent("InstgAgt") or self._instructing
        facts = {
            "message_id": said.get("message_id", [self.message_id])[0],
            "return_id": tx.text("RtrId", is_plain),
            "reason": code,
            "settled_on": date_at(tx, "IntrBkSttlmDt") or self._settled_on,
            "settlement_method": self._method,
            "assigner": instructing,
            "assignee": tx.agent("InstdAgt") or self._instructed,
        }
        money = {"amount": amount, "currency": currency}
        steps = [
            self._step(RequestState.AGREED, went_to=said.get("went_to"), **money),
            self._step(RequestState.DONE, payment=present(facts), **money),
        ]
        cases = [Mark("case", text, tx.path) for text in said.get("case", ())]
        creditor = self._creditor_agent(tx)
        own = (
            [*creditor]
            if creditor and instructing is None
            else [AgentAt(f"{tx.path}/InstgAgt", instructing), *creditor]
        )
        return Responding(tx.path, [*cases, *self._marks(tx)], steps, own)
