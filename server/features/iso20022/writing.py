"""Requests and responses written as messages of ISO 20022; without store or clock.

The input is a request as one of its parties reads it: the JSON of the API and of the notes in ``requests-…``. The same
request gives the same messages, with the same ids, whenever they are written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.errors import Rejected
from schemas.payment import PROPRIETARY
from schemas.reference.account_numbers import is_bic
from schemas.request import RequestState, RequestWord
from server.features.iso20022 import codes, lines, xml
from server.features.iso20022.grammar import CANCELLATION, NAMESPACE, RESOLUTION, RETURN, check
from server.features.iso20022.xml import MessageRefused, with_attribute

_LONGEST = 35
_CURRENCY = 3
# The clearing systems of countries where the hub knows accounts by the bank's national code.
_CLEARING = {"AU": "AUBSB", "CA": "CACPA", "GB": "GBDSC", "IN": "INFSC", "NZ": "NZNCC", "US": "USABA", "ZA": "ZANCC"}
# The states of steps for which a message is written to the sender.
_ANSWERED = (RequestState.ACKNOWLEDGED, RequestState.AGREED, RequestState.DISAGREED, RequestState.DONE)


class WrittenMessage(NamedTuple):
    """A message: its name, its id, the step of the request that it says, and its text.

    ``not_carried`` are the fields of the request that the message does not have.
    """

    name: str
    id: str
    step: int
    data: bytes
    not_carried: Sequence[str]

    @property
    def file_name(self) -> str:
        """Return the name of its file."""
        return f"{self.name}-{self.id}.xml"


def agent_of(institutions: Iterable[str]) -> str | None:
    """Return the agent that a partner's institutions name: the first BIC among them; None without any."""
    return next((name for name in institutions if ":" not in name and is_bic(name)), None)


def write(view: Mapping[str, Any], agents: Mapping[str, str | None]) -> Iterator[WrittenMessage]:
    """Yield the messages to the reader of ``view``: the request to its addressee, the responses to its sender.

    ``agents`` are the agents of partners by name. Raises ``MessageRefused`` if a message cannot say the request.
    """
    writer = _Writer(view, agents)
    if view["role"] == "addressee":
        yield writer.cancellation()
        return
    for number, step in enumerate(view["steps"]):
        if step["by"] == "addressee" and step["state"] in _ANSWERED:
            yield writer.response(number, step)


class _Writer:
    """Writes the messages of one request."""

    def __init__(self, view: Mapping[str, Any], agents: Mapping[str, str | None]) -> None:
        """Refuse a request that no message can say."""
        if view["asks"] not in (RequestWord.RETURN, RequestWord.FREEZE):
            raise _not_writable("asks", "camt.056 asks for a return or a freeze")
        if view["of"]["kind"] != "bank-account":
            raise _not_writable("of", "the messages name bank accounts")
        if len(view.get("currency", "THB")) != _CURRENCY:
            raise _not_writable("currency", "the messages have currencies of ISO 4217")
        self._view = view
        self._payment: Mapping[str, str] = view.get("payment", {})
        self._id = view["id"].replace("-", "")
        sender = self._payment.get("debtor_agent") or agents.get(view["sender"])
        self._asker = _agent(self._payment.get("assigner") or sender, view["sender"])
        bank, self._account = _account(view["of"]["value"], self._payment)
        addressee = view["addressee"] if view["addressee"] in agents else ""
        provider = self._payment.get("creditor_agent") or agents.get(addressee) or bank
        self._provider = _agent(provider, addressee or "the account's agent")
        self._asked = _agent(self._payment.get("assignee") or provider, addressee or "the account's agent")
        self._creditor = _agent(self._payment.get("creditor_agent") or bank)

    def cancellation(self) -> WrittenMessage:
        """Return the request as ``camt.056``."""
        view, payment = self._view, self._payment
        # A hop of an order is asked when its sender confirms it.
        number = max(place for place, step in enumerate(view["steps"]) if step["state"] == RequestState.OPEN)
        case, reference = self._case(), view["reference"]
        said = lines.written(
            ("deadline", view["deadline"]),
            ("legal_basis", view["legal_basis"]),
            ("legal_reference", view.get("legal_reference")),
            ("until", view.get("until")),
            ("reference", None if case["Id"] == reference else reference),
            ("message_id", payment.get("message_id")),
        )
        reasons: list[Mapping[str, Any]] = [{"Rsn": _code(payment.get("reason")), "AddtlInf": said}]
        if view["asks"] == RequestWord.FREEZE:
            reasons.append({"Rsn": {"Prtry": codes.FREEZE}})
        content = {
            "FIToFIPmtCxlReq": {
                "Assgnmt": self._assignment(self._id, view["steps"][number]["at"], self._asker, self._asked),
                "Case": case,
                "CtrlData": {"NbOfTxs": "1"},
                "Undrlyg": {
                    "TxInf": {
                        "CxlId": payment.get("cancellation_id"),
                        "OrgnlGrpInf": self._group(),
                        **self._ids(),
                        "OrgnlIntrBkSttlmAmt": self._money(view.get("amount")),
                        "OrgnlIntrBkSttlmDt": payment.get("settled_on"),
                        "CxlRsnInf": reasons,
                        "OrgnlTxRef": self._reference(),
                    }
                },
            }
        }
        left = [name for name in ("also_to", "transaction_hash") if name in view]
        return _written(CANCELLATION, self._id, number, content, left)

    def response(self, number: int, step: Mapping[str, Any]) -> WrittenMessage:
        """Return a step by the addressee: ``pacs.004`` where money has returned, else ``camt.029``."""
        is_return = step["state"] == RequestState.DONE and self._view["asks"] == RequestWord.RETURN
        if is_return and step.get("amount", "0") != "0":
            return self._return(number, step)
        return self._resolution(number, step)

    def _resolution(self, number: int, step: Mapping[str, Any]) -> WrittenMessage:
        said, id_ = step.get("payment", {}), f"{self._id}-{number}"
        case, status, whole = self._case(), *self._status(step)
        is_done = step["state"] == RequestState.DONE
        notes = lines.written(
            ("state", step["state"] if is_done else None),
            ("message_id", said.get("message_id")),
            *(("went_to", _destination(entry)) for entry in step.get("went_to", ())),
        )
        reason = said.get("reason") or (codes.code_of(step["reason"]) if "reason" in step else None)
        content = {
            "RsltnOfInvstgtn": {
                "Assgnmt": self._assignment(id_, step["at"], self._answerer(said), self._asker),
                "RslvdCase": case,
                "Sts": {"Conf": whole},
                "CxlDtls": {
                    "TxInfAndSts": {
                        "OrgnlGrpInf": self._group(),
                        **self._ids("OrgnlClrSysRef", "OrgnlUETR"),
                        "TxCxlSts": status,
                        "CxlStsRsnInf": [{"Rsn": _code(reason), "AddtlInf": notes}],
                        "RsltnRltdInf": {
                            "IntrBkSttlmAmt": self._money(step.get("amount")),
                            "IntrBkSttlmDt": said.get("settled_on"),
                        },
                        "OrgnlIntrBkSttlmAmt": self._money(self._view.get("amount")),
                        "OrgnlIntrBkSttlmDt": self._payment.get("settled_on"),
                        "OrgnlTxRef": self._reference(),
                    }
                },
            }
        }
        return _written(RESOLUTION, id_, number, content, [])

    def _return(self, number: int, step: Mapping[str, Any]) -> WrittenMessage:
        said, id_ = step.get("payment", {}), f"{self._id}-{number}"
        notes = lines.written(
            ("message_id", said.get("message_id")),
            ("case", self._case()["Id"]),
            *(("went_to", _destination(entry)) for entry in step.get("went_to", ())),
        )
        reason = said.get("reason") or codes.FOLLOWING_REQUEST
        content = {
            "PmtRtr": {
                "GrpHdr": {
                    "MsgId": id_,
                    "CreDtTm": step["at"],
                    "NbOfTxs": "1",
                    "SttlmInf": {"SttlmMtd": said.get("settlement_method", "CLRG")},
                    "InstgAgt": self._answerer(said),
                    "InstdAgt": _agent(said["assignee"]) if "assignee" in said else self._asker,
                },
                "TxInf": {
                    "RtrId": said.get("return_id", id_),
                    "OrgnlGrpInf": self._group(),
                    **self._ids(),
                    "OrgnlIntrBkSttlmAmt": self._money(self._view.get("amount")),
                    "OrgnlIntrBkSttlmDt": self._payment.get("settled_on"),
                    "RtrdIntrBkSttlmAmt": self._money(step["amount"]),
                    "IntrBkSttlmDt": said.get("settled_on"),
                    "RtrRsnInf": [{"Rsn": _code(reason), "AddtlInf": notes}],
                    "OrgnlTxRef": self._reference(),
                },
            }
        }
        return _written(RETURN, id_, number, content, [])

    def _status(self, step: Mapping[str, Any]) -> tuple[str, str]:
        """Return the status of the transaction, and that of the case."""
        match step["state"]:
            case RequestState.ACKNOWLEDGED:
                return codes.PENDING, codes.PENDING
            case RequestState.DISAGREED:
                return codes.REJECTED, codes.REJECTED
        is_whole = step.get("amount") in (None, self._view.get("amount"))
        return codes.ACCEPTED, codes.CANCELLED if is_whole else codes.PARTLY

    def _assignment(self, id_: str, at: str, by: Any, to: Any) -> dict[str, Any]:
        return {"Id": id_, "Assgnr": {"Agt": by}, "Assgne": {"Agt": to}, "CreDtTm": at}

    def _answerer(self, said: Mapping[str, str]) -> Any:
        return _agent(said["assigner"]) if "assigner" in said else self._provider

    def _case(self) -> dict[str, Any]:
        reference = self._view["reference"]
        fits = len(reference) <= _LONGEST and reference.isprintable()
        return {"Id": reference if fits else self._id, "Cretr": {"Agt": self._asker}}

    def _group(self) -> dict[str, Any]:
        payment = self._payment
        if "original_message_id" not in payment:
            return {}
        name = payment.get("original_message_name", "pacs.008")
        created = payment.get("original_created")
        return {"OrgnlMsgId": payment["original_message_id"], "OrgnlMsgNmId": name, "OrgnlCreDtTm": created}

    def _ids(self, *last: str) -> dict[str, Any]:
        """Return the ids of the original payment, those named ``last`` in that order at the end."""
        view, payment = self._view, self._payment
        ids = {
            "OrgnlInstrId": payment.get("instruction_id"),
            "OrgnlEndToEndId": view.get("end_to_end_id"),
            "OrgnlTxId": payment.get("transaction_id"),
            "OrgnlUETR": view.get("uetr"),
            "OrgnlClrSysRef": payment.get("clearing_reference"),
        }
        return {name: text for name, text in ids.items() if name not in last} | {name: ids[name] for name in last}

    def _money(self, amount: str | None) -> Any:
        return with_attribute("Ccy", self._view.get("currency", ""), amount)

    def _reference(self) -> dict[str, Any]:
        return {
            "DbtrAgt": _agent(self._payment.get("debtor_agent")),
            "CdtrAgt": self._creditor,
            "CdtrAcct": {"Id": self._account},
        }


def _written(name: str, id_: str, step: int, content: Mapping[str, Any], left: Sequence[str]) -> WrittenMessage:
    """Return a message that keeps the rules of its schema. Raises ``MessageRefused`` if it breaks one."""
    data = xml.document(NAMESPACE + name, content)
    check(xml.parse(data))
    return WrittenMessage(name, id_, step, data, left)


def _not_writable(field: str, message: str) -> Rejected:
    return MessageRefused(field, field, message, "not-writable")


def _code(code: str | None) -> dict[str, str] | None:
    if code is None:
        return None
    own = code.removeprefix(PROPRIETARY)
    return {"Cd": code} if own == code else {"Prtry": own}


def _agent(agent: str | None, name: str | None = None) -> dict[str, Any] | None:
    """Return an agent as an element; by its name, if it has neither BIC nor clearing number."""
    if agent is None:
        return {"FinInstnId": {"Nm": name}} if name else None
    found: dict[str, Any] = {}
    for part in agent.split():
        system, mark, member = part.partition(":")
        named = {"ClrSysMmbId": {"ClrSysId": {"Cd": system}, "MmbId": member}} if mark else {"BICFI": part}
        found |= named
    return {"FinInstnId": found}


def _account(value: str, payment: Mapping[str, str]) -> tuple[str | None, dict[str, Any]]:
    """Return the agent in an account's normal form, if that is a BIC, and the element of its number."""
    country, mark, rest = value.partition(":")
    if not mark:
        return None, {"IBAN": value}
    bank, _, number = rest.partition(":")
    system = _CLEARING.get(country)
    scheme = _code(payment.get("account_scheme", None if "account" in payment else "BBAN"))
    agent = bank if is_bic(bank) else f"{system}:{bank}" if system else None
    return agent, {"Othr": {"Id": payment.get("account", number), "SchmeNm": scheme}}


def _destination(entry: Mapping[str, Any]) -> str:
    of = entry["of"]
    return f"{of['kind']}:{of['value']}={entry['amount']}"
