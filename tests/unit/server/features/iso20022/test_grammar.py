"""Messages are refused by the rule of the schema that they break, with its XPath."""

import pytest

from server.features.iso20022.grammar import check
from server.features.iso20022.xml import MOST_BYTES, MessageRefused, parse
from tests.iso20022_messages import cancellation, payment_return, resolution, transaction

TOP = "/Document/FIToFIPmtCxlReq"
GOOD = cancellation()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (GOOD, "camt.056.001.08"),
        (GOOD.replace("056.001.08", "056.001.11"), "camt.056.001.11"),
        (resolution("B-1", "RJCR", "AM04"), "camt.029.001.09"),
        (resolution("B-1", "RJCR", "AM04").replace("029.001.09", "029.001.13"), "camt.029.001.13"),
        (payment_return("B-2", "1.5"), "pacs.004.001.09"),
        (payment_return("B-2", "1.5").replace("004.001.09", "004.001.14"), "pacs.004.001.14"),
    ],
)
def test_good_messages_of_several_versions_pass(text: str, name: str) -> None:
    assert check(parse(text.encode())) == name


@pytest.mark.parametrize(
    ("old", "new", "rule", "path"),
    [
        ("<Id>A-1</Id>", "", "minOccurs", f"{TOP}/Assgnmt/Id"),
        ("<Id>A-1</Id>", f"<Id>{'A' * 36}</Id>", "minLength=1 maxLength=35", f"{TOP}/Assgnmt/Id"),
        ("<Id>A-1</Id>", "<Id>A-1</Id><Id>A-2</Id>", "maxOccurs", f"{TOP}/Assgnmt/Id"),
        ("<Id>A-1</Id>", "<Id>A-1<b/></Id>", "content", f"{TOP}/Assgnmt/Id"),
        ("<Id>A-1</Id>", "<Id>A-1</Id><Surprise/>", "minOccurs", f"{TOP}/Assgnmt/Assgnr"),
        ("</CreDtTm>", "</CreDtTm><Surprise/>", "element", f"{TOP}/Assgnmt/*[5]"),
        ("<Undrlyg>", "x<Undrlyg>", "content", TOP),
        ("<Undrlyg>", '<Undrlyg xmlns="urn:x">', "namespace", TOP),
        ("<Undrlyg>", '<Undrlyg kind="x">', "attribute", f"{TOP}/Undrlyg"),
        ("<CxlId>CX-1</CxlId>", "<OrgnlTxId>T</OrgnlTxId>", "sequence", f"{TOP}/Undrlyg/TxInf/OrgnlGrpInf"),
        ('Ccy="THB"', "", "attribute", f"{TOP}/Undrlyg/TxInf/OrgnlIntrBkSttlmAmt/@Ccy"),
        ('Ccy="THB"', 'Ccy="baht"', "pattern=[A-Z]{3,3}", f"{TOP}/Undrlyg/TxInf/OrgnlIntrBkSttlmAmt/@Ccy"),
        ("800000.00", "-1", "minInclusive=0", f"{TOP}/Undrlyg/TxInf/OrgnlIntrBkSttlmAmt"),
        ("800000.00", "1.000001", "fractionDigits=5", f"{TOP}/Undrlyg/TxInf/OrgnlIntrBkSttlmAmt"),
        ("800000.00", "1e3", "type", f"{TOP}/Undrlyg/TxInf/OrgnlIntrBkSttlmAmt"),
        ("2026-11-20<", "2026-02-30<", "type", f"{TOP}/Undrlyg/TxInf/OrgnlIntrBkSttlmDt"),
        ("<Rsn><Cd>FRAD</Cd></Rsn>", "<Rsn></Rsn>", "choice", f"{TOP}/Undrlyg/TxInf/CxlRsnInf/Rsn"),
        ("FRAD</Cd>", "FRAD</Cd><Prtry>x</Prtry>", "choice", f"{TOP}/Undrlyg/TxInf/CxlRsnInf/Rsn"),
        ("camt.056.001.08", "camt.056.001.99", "root", "/Document"),
        ("camt.056.001.08", "pain.001.001.09", "root", "/Document"),
    ],
)
def test_broken_rule_is_named_with_its_xpath(old: str, new: str, rule: str, path: str) -> None:
    with pytest.raises(MessageRefused) as refused:
        check(parse(GOOD.replace(old, new, 1).encode()))
    assert (refused.value.rule, refused.value.path) == (rule, path)


def test_second_of_several_elements_is_numbered() -> None:
    text = cancellation("A-1", transaction(), transaction(uetr="no"))
    with pytest.raises(MessageRefused) as refused:
        check(parse(text.encode()))
    assert refused.value.path == f"{TOP}/Undrlyg/TxInf[2]/OrgnlUETR"


def test_refusal_repeats_no_content() -> None:
    text = GOOD.replace("800000.00", "1101700203450x").replace("<Case>", "<Somchai/><Case>")
    with pytest.raises(MessageRefused) as refused:
        check(parse(text.encode()))
    assert "Somchai" not in str(refused.value) + refused.value.path
    assert "1101700203450" not in str(refused.value)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + GOOD.replace("A-1", "&b;", 1)
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + GOOD.replace("A-1", "&a;", 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB.encode(), "unsafe-xml"),
        (EXTERNAL.encode(), "unsafe-xml"),
        (b'<!DOCTYPE Document SYSTEM "http://127.0.0.1/x.dtd">' + GOOD.encode(), "unsafe-xml"),
        (b"<a>" * 40 + b"</a>" * 40, "unsafe-xml"),
        (b"<a>" + b"<b/>" * 20_001 + b"</a>", "unsafe-xml"),
        (b" " * (MOST_BYTES + 1), "invalid-message"),
        (GOOD.encode()[:-20], "not-xml"),
        (b"", "not-xml"),
        (b"{}", "not-xml"),
        (b"<a>\xff</a>", "not-xml"),
        (b'<?xml version="1.0" encoding="x-unknown"?><a/>', "not-xml"),
        (b"<a>&undefined;</a>", "not-xml"),
        (b"<a xmlns='urn:iso:std:iso:20022:tech:xsd:camt.056.001.08'/>", "unknown-message"),
    ],
)
def test_hostile_documents_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MessageRefused) as refused:
        check(parse(data))
    assert refused.value.reason == reason


def test_type_of_an_instance_replaces_no_type() -> None:
    kind = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Max35Text"'
    with pytest.raises(MessageRefused) as refused:
        check(parse(GOOD.replace("<Case>", f"<Case {kind}>").encode()))
    assert refused.value.rule == "attribute"
