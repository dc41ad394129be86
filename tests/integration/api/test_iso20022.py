"""Messages of ISO 20022 over real sockets: asked, answered, repeated, refused and written."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, partners
from tests.integration.peers import scamfeed
from tests.iso20022_messages import PAID_ON, RETURNED_ON, cancellation, payment_return, resolution, transaction

FIRST, SECOND, THIRD = "First Bank", "Second Bank", "Third Bank"
TOP = "/Document/FIToFIPmtCxlReq"


class Hub:
    """A running hub, with a token for each bank."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.url = ""
        self.tokens: dict[str, str] = {}
        self.made = 0

    def send(self, by: str, text: str | bytes, status: int = 200, **given: str) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[by]}", "Content-Type": "application/xml"}
        body = text.encode() if isinstance(text, str) else text
        answer = requests.post(f"{self.url}api/iso20022", data=body, params=given, headers=headers, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, by: str, path: str, status: int = 200) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.tokens[by]}"}
        answer = requests.get(f"{self.url}api/{path}", headers=headers, timeout=60)
        assert answer.status_code == status, answer.text
        return answer

    def asked(self, **given: Any) -> tuple[str, str, str]:
        """Send a cancellation of a payment of its own, and return the request's id, its UETR and its case."""
        self.made += 1
        uetr, case = f"97ed4827-7b6f-4491-a06f-{self.made:012}", f"C-{self.made}"
        text = cancellation(f"A-{self.made}", transaction(uetr=uetr, **given), case=case)
        (result,) = self.send(FIRST, text)["results"]
        return result["request"], uetr, case


@pytest.fixture(scope="module")
def hub(initial_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("iso20022")
    url = f"sqlite:///{shutil.copy(initial_store, folder / 'hub.db')}"
    store = Store.open(url)
    served = Hub(store)
    with store.begin() as tx:
        for name, bic in ((FIRST, "BKKBTHBK"), (SECOND, "KASITHBK"), (THIRD, "GSBATHBK")):
            more = {"country": "TH", "identity": ids.identity(name), "institutions": (bic,), "vouched": True}
            served.tokens[name] = partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, **more)).token
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    with scamfeed(url, folder / "hub.log") as address:
        served.url = address
        yield served
    store.close()


def test_cancellation_is_a_request_to_the_keeper_and_comes_out_with_its_fields(hub: Hub) -> None:
    id_, uetr, case = hub.asked()
    view = hub.get(SECOND, f"requests/{id_}").json()
    assert (view["asks"], view["reference"], view["uetr"], view["amount"]) == ("return", case, uetr, "800000")
    assert view["payment"]["reason"] == "FRAD"
    told = hub.get(SECOND, f"iso20022/{id_}")
    assert told.headers["Content-Type"] == "application/xml"
    for element in (
        f"<Case><Id>{case}</Id>",
        "<OrgnlMsgId>M-1</OrgnlMsgId>",
        "<OrgnlInstrId>I-1</OrgnlInstrId>",
        "<OrgnlEndToEndId>E2E-1</OrgnlEndToEndId>",
        "<OrgnlTxId>TX-1</OrgnlTxId>",
        f"<OrgnlUETR>{uetr}</OrgnlUETR>",
        '<OrgnlIntrBkSttlmAmt Ccy="THB">800000</OrgnlIntrBkSttlmAmt>',
        f"<OrgnlIntrBkSttlmDt>{PAID_ON}</OrgnlIntrBkSttlmDt>",
        "<Rsn><Cd>FRAD</Cd></Rsn>",
        "<DbtrAgt><FinInstnId><BICFI>BKKBTHBK</BICFI>",
        "<CdtrAgt><FinInstnId><BICFI>KASITHBK</BICFI>",
        "<Othr><Id>1234567890</Id><SchmeNm><Cd>BBAN</Cd></SchmeNm></Othr>",
    ):
        assert element in told.text
    assert hub.get(THIRD, f"iso20022/{id_}", 404).json()["error_code"] == "not-found"


def test_repeated_message_is_answered_as_before_and_opens_nothing(hub: Hub) -> None:
    text = cancellation("A-again", transaction(uetr="97ed4827-7b6f-4491-a06f-aaaaaaaaaaaa"))
    first = hub.send(FIRST, text)
    assert hub.send(FIRST, text.replace("><Case", ">\n  <Case")) == first
    changed = hub.send(FIRST, text.replace("800000.00", "700000.00"), 409)
    assert "request-changed" in changed["description"]
    open_ = hub.get(SECOND, "requests?role=addressee").json()["requests"]
    assert len([view for view in open_ if view.get("uetr", "").endswith("aaaaaaaaaaaa")]) == 1


def test_resolutions_and_return_take_the_request_to_its_end(hub: Hub) -> None:
    id_, uetr, case = hub.asked()
    states = []
    for text in (
        resolution("B-1", "PDCR", case=case, uetr=uetr),
        resolution("B-2", "PECR", case=case, uetr=uetr, amount="300000"),
        payment_return("B-3", "300000", uetr=uetr),
    ):
        (result,) = hub.send(SECOND, text)["results"]
        assert result["request"] == id_
        states.append(result["state"])
        newest = hub.get(FIRST, f"iso20022/{id_}").text
        assert uetr in newest
    assert states == ["acknowledged", "agreed", "done"]
    assert "pacs.004" in newest
    assert f'<RtrdIntrBkSttlmAmt Ccy="THB">300000</RtrdIntrBkSttlmAmt><IntrBkSttlmDt>{RETURNED_ON}' in newest
    view = hub.get(FIRST, f"requests/{id_}").json()
    assert (view["agreed"], view["done"]) == ("300000", "300000")
    # The message that took it there changes nothing more.
    (again,) = hub.send(SECOND, payment_return("B-3", "300000", uetr=uetr))["results"]
    assert (again["request"], again["state"]) == (id_, "done")


def test_rejection_keeps_its_code(hub: Hub) -> None:
    id_, uetr, case = hub.asked()
    hub.send(SECOND, resolution("B-no", "RJCR", "NOAS", case=case, uetr=uetr))
    assert hub.get(FIRST, f"requests/{id_}").json()["steps"][-1]["reason"] == "other"
    assert "<TxCxlSts>RJCR</TxCxlSts><CxlStsRsnInf><Rsn><Cd>NOAS</Cd>" in hub.get(FIRST, f"iso20022/{id_}").text


def test_return_without_an_answer_before_agrees_and_is_done(hub: Hub) -> None:
    id_, uetr, _ = hub.asked()
    hub.send(SECOND, payment_return("B-at-once", "800000", uetr=uetr))
    steps = hub.get(FIRST, f"requests/{id_}").json()["steps"]
    assert [step["state"] for step in steps] == ["open", "agreed", "done"]


def test_institutions_of_others_are_refused(hub: Hub) -> None:
    foreign = hub.send(THIRD, cancellation("X-1"), 422)["description"]
    assert "foreign-agent" in foreign
    assert f"{TOP}/Assgnmt/Assgnr" in foreign
    mixed = cancellation("X-2", transaction(debtor_agent="KASITHBK"))
    assert f"{TOP}/Undrlyg/TxInf/OrgnlTxRef/DbtrAgt" in hub.send(FIRST, mixed, 422)["description"]
    _, uetr, case = hub.asked()
    refused = hub.send(FIRST, resolution("X-3", "RJCR", "AM04", case=case, uetr=uetr), 422)
    assert "foreign-agent" in refused["description"]
    # The addressee alone can respond; for another bank the request does not exist.
    other = resolution("X-4", "RJCR", "AM04", sender="GSBATHBK", case=case, uetr=uetr)
    assert "unknown-request" in hub.send(THIRD, other, 409)["description"]


def test_response_that_contradicts_the_payment_finds_no_request(hub: Hub) -> None:
    _, uetr, case = hub.asked()
    text = resolution("B-wrong", "CNCL", case=case, uetr=uetr).replace("E2E-1", "E2E-2")
    assert "unknown-request" in hub.send(SECOND, text, 409)["description"]


def test_bulk_is_answered_transaction_by_transaction(hub: Hub) -> None:
    good = transaction(uetr="97ed4827-7b6f-4491-a06f-bbbbbbbbbbbb", info="<AddtlInf>call us</AddtlInf>")
    bad = transaction(account="<IBAN>DE00370400440532013000</IBAN>")
    answer = hub.send(FIRST, cancellation("A-bulk", good, bad))
    assert answer["not_carried"] == [f"{TOP}/Undrlyg/TxInf[1]/CxlRsnInf/AddtlInf"]
    first, second = answer["results"]
    assert first["state"] == "open"
    assert second["refused"]["at"] == f"{TOP}/Undrlyg/TxInf[2]/OrgnlTxRef/CdtrAcct"


def test_parameters_replace_what_the_message_does_not_say(hub: Hub) -> None:
    text = cancellation("A-given", transaction(uetr="97ed4827-7b6f-4491-a06f-cccccccccccc"))
    (result,) = hub.send(FIRST, text, within="4h", asks="freeze", legal_basis="statute")["results"]
    view = hub.get(SECOND, f"requests/{result['request']}").json()
    assert (view["asks"], view["legal_basis"]) == ("freeze", "statute")
    assert "<Prtry>FREEZE</Prtry>" in hub.get(SECOND, f"iso20022/{result['request']}").text
    assert hub.send(FIRST, text, 400, within="soon")["error_code"] == "not-a-message-default"


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "b">]><Document>&a;</Document>', "dtd at /"),
        (b"<a>" * 40, "depth at /"),
        (b"not xml", "well-formed at /"),
        (cancellation().replace("<Id>A-1</Id>", "").encode(), f"minOccurs at {TOP}/Assgnmt/Id"),
        (cancellation().replace("056.001.08", "052.001.08").encode(), "root at /Document"),
    ],
)
def test_hostile_and_invalid_messages_get_the_rule_and_the_path(hub: Hub, body: bytes, rule: str) -> None:
    answer = hub.send(FIRST, body, 422)
    assert answer["error_code"] == "message-refused"
    assert f"breaks the rule {rule} (" in answer["description"]


def test_other_media_types_and_large_bodies_are_refused(hub: Hub) -> None:
    headers = {"Authorization": f"Bearer {hub.tokens[FIRST]}", "Content-Type": "application/json"}
    assert requests.post(f"{hub.url}api/iso20022", data=b"{}", headers=headers, timeout=60).status_code == 415
    assert hub.send(FIRST, b" " * ((1 << 20) + 1), 413)
