"""Messages of ISO 20022 for tests, with accounts and institutions of examples."""

from datetime import timedelta
from typing import Any

from schemas import timestamp

PAID_ON, RETURNED_ON = "2026-11-20", "2026-11-29"
UETR = "97ed4827-7b6f-4491-a06f-b548d5a7512d"
SENDER, KEEPER, NUMBER = "BKKBTHBK", "KASITHBK", "1234567890"


def at(**ago: float) -> str:
    """Return a time before now, as messages write it."""
    return timestamp.text(timestamp.now() - timedelta(**ago))


def agent(name: str, bic: str | None) -> str:
    """Return the element of an agent."""
    return f"<{name}><FinInstnId><BICFI>{bic}</BICFI></FinInstnId></{name}>" if bic else ""


def party(name: str, bic: str) -> str:
    """Return the element of a party of an assignment, which is an agent."""
    return f"<{name}>{agent('Agt', bic)}</{name}>"


def element(name: str, text: str | None, attributes: str = "") -> str:
    """Return an element with a text; nothing without the text."""
    return f"<{name}{attributes}>{text}</{name}>" if text is not None else ""


def transaction(**given: Any) -> str:
    """Return a transaction of ``camt.056``."""
    known = {"end_to_end_id": "E2E-1", "tx_id": "TX-1", "uetr": UETR, "amount": "800000.00", "reason": "FRAD"} | given
    account = known.get("account", f"<Othr><Id>{NUMBER}</Id><SchmeNm><Cd>BBAN</Cd></SchmeNm></Othr>")
    return (
        "<TxInf><CxlId>CX-1</CxlId><OrgnlGrpInf><OrgnlMsgId>M-1</OrgnlMsgId><OrgnlMsgNmId>pacs.008.001.08"
        f"</OrgnlMsgNmId><OrgnlCreDtTm>{PAID_ON}T09:00:00Z</OrgnlCreDtTm></OrgnlGrpInf>"
        + element("OrgnlInstrId", "I-1")
        + element("OrgnlEndToEndId", known["end_to_end_id"])
        + element("OrgnlTxId", known["tx_id"])
        + element("OrgnlUETR", known["uetr"])
        + element("OrgnlIntrBkSttlmAmt", known["amount"], ' Ccy="THB"')
        + f"<OrgnlIntrBkSttlmDt>{PAID_ON}</OrgnlIntrBkSttlmDt>"
        + f"<CxlRsnInf><Rsn><Cd>{known['reason']}</Cd></Rsn>{known.get('info', '')}</CxlRsnInf>{known.get('more', '')}"
        + f"<OrgnlTxRef>{known.get('debtor', '')}"
        + agent("DbtrAgt", known.get("debtor_agent", SENDER))
        + agent("CdtrAgt", known.get("creditor_agent", KEEPER))
        + f"<CdtrAcct><Id>{account}</Id></CdtrAcct></OrgnlTxRef></TxInf>"
    )


def cancellation(id_: str = "A-1", *transactions: str, sender: str = SENDER, case: str = "C-117", **given: Any) -> str:
    """Return a ``camt.056`` to the keeper of the account."""
    created = given.get("created", at(hours=1))
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.056.001.08"><FIToFIPmtCxlReq>'
        f"<Assgnmt><Id>{id_}</Id>{party('Assgnr', sender)}{party('Assgne', KEEPER)}<CreDtTm>{created}</CreDtTm>"
        f"</Assgnmt><Case><Id>{case}</Id>{party('Cretr', sender)}</Case>"
        f"<Undrlyg>{''.join(transactions or [transaction()])}</Undrlyg></FIToFIPmtCxlReq></Document>"
    )


def resolution(
    id_: str, status: str, reason: str = "", *, sender: str = KEEPER, case: str = "C-117", **more: str
) -> str:
    """Return a ``camt.029`` by the keeper of the account."""
    why = f"<CxlStsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></CxlStsRsnInf>" if reason else ""
    amount = element("IntrBkSttlmAmt", more.get("amount"), ' Ccy="THB"')
    related = f"<RsltnRltdInf>{amount}</RsltnRltdInf>" if amount else ""
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.029.001.09"><RsltnOfInvstgtn>'
        f"<Assgnmt><Id>{id_}</Id>{party('Assgnr', sender)}{party('Assgne', SENDER)}<CreDtTm>{at()}</CreDtTm>"
        f"</Assgnmt><RslvdCase><Id>{case}</Id>{party('Cretr', SENDER)}</RslvdCase><Sts><Conf>{status}</Conf></Sts>"
        f"<CxlDtls><TxInfAndSts><OrgnlEndToEndId>E2E-1</OrgnlEndToEndId><OrgnlUETR>{more.get('uetr', UETR)}"
        f"</OrgnlUETR>{why}{related}</TxInfAndSts></CxlDtls></RsltnOfInvstgtn></Document>"
    )


def payment_return(id_: str, amount: str, *, sender: str = KEEPER, uetr: str = UETR) -> str:
    """Return a ``pacs.004`` by the keeper of the account."""
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.004.001.09"><PmtRtr>'
        f"<GrpHdr><MsgId>{id_}</MsgId><CreDtTm>{at()}</CreDtTm><NbOfTxs>1</NbOfTxs>"
        f"<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf>{agent('InstgAgt', sender)}{agent('InstdAgt', SENDER)}</GrpHdr>"
        f"<TxInf><RtrId>R-1</RtrId><OrgnlTxId>TX-1</OrgnlTxId><OrgnlUETR>{uetr}</OrgnlUETR>"
        f'<RtrdIntrBkSttlmAmt Ccy="THB">{amount}</RtrdIntrBkSttlmAmt><IntrBkSttlmDt>{RETURNED_ON}</IntrBkSttlmDt>'
        "<RtrRsnInf><Rsn><Cd>FOCR</Cd></Rsn></RtrRsnInf></TxInf></PmtRtr></Document>"
    )
