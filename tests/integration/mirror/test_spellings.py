"""One spelling has the same meaning at the hub, in a mirror, in private matching and on the command line."""

import json
from typing import Any

import pytest
import requests

from server.release.explain import explain
from server.release.hub import Hub
from server.release.query.lookup import lookup
from tests.integration.mirror.conftest import MirroredScamfeed

ACCOUNT, ALIAS = "TH:SICOTHBK:4041234567", "promptpay:+66812345679"
SPELLINGS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"value": "SCB 4041234567"}, ACCOUNT),
    ({"value": "SCB 404-1-23456-7"}, ACCOUNT),
    ({"value": "404-1-23456-7 ไทยพาณิชย์"}, ACCOUNT),
    ({"value": "4041234567", "details": {"bank": "SCB"}}, ACCOUNT),
    ({"value": "404-1-23456-7", "kind": "bank-account", "details": {"bank": "014"}}, ACCOUNT),
    ({"value": "0812345679"}, ALIAS),
    ({"value": "081-234-5679"}, ALIAS),
    ({"value": "+66 81 234 5679"}, ALIAS),
    ({"value": "0812345679", "kind": "payment-alias", "details": {"system": "promptpay"}}, ALIAS),
)


@pytest.fixture(scope="module", autouse=True)
def reported(served: MirroredScamfeed) -> None:
    served.report(ACCOUNT, kind="bank-account")
    served.report(ALIAS, kind="payment-alias")


def _asked(hub: MirroredScamfeed, path: str, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {hub.token}"}
    address = f"{hub.url.removesuffix('feed/')}{path}"
    return requests.request(more.pop("method", "GET"), address, headers=headers, timeout=60, **more).json()


@pytest.mark.parametrize(("question", "normal"), SPELLINGS)
def test_spelling_has_the_same_meaning_at_every_interface(
    hub: MirroredScamfeed, question: dict[str, Any], normal: str
) -> None:
    hub.sync()
    [said] = _asked(hub, "api/lookup", method="POST", json={"values": [question]})["results"]
    assert (said["normal"], said["found"], said["grade"]) == (normal, True, "block")
    with hub.open() as mirror:
        known = mirror.check(question["value"], question.get("kind"), question.get("details", {}))
    assert (known.normal, known.found, known.action) == (normal, True, "block")
    assert [each.normal for each in known.readings or ()] == [each["normal"] for each in said.get("readings", [])]
    public = _asked(hub, "api/check", params={"value": question["value"], **_flat(question)})
    assert "error" not in public["results"][0]
    if question.keys() == {"value"}:
        with hub.store.read() as tx:
            assert normal in [found.value for found in lookup(tx, question["value"], "TH")]
            assert explain(Hub(hub.store, country="TH"), tx, question["value"])


def _flat(question: dict[str, Any]) -> dict[str, str]:
    return {**({"kind": question["kind"]} if "kind" in question else {}), **question.get("details", {})}


def test_ambiguous_value_is_answered_for_each_meaning(hub: MirroredScamfeed) -> None:
    hub.sync()
    [said] = _asked(hub, "api/lookup", method="POST", json={"values": [{"value": "0812345679"}]})["results"]
    named = {(each["kind"], each["normal"]): each["found"] for each in said["readings"]}
    assert named[("phone", "+66812345679")] is False
    assert named[("payment-alias", ALIAS)] is True
    assert (said["kind"], said["found"]) == ("payment-alias", True)
    [one] = _asked(hub, "api/lookup", method="POST", json={"values": [{"value": ALIAS}]})["results"]
    assert "readings" not in one


def test_country_changes_the_meaning_of_a_text(hub: MirroredScamfeed) -> None:
    hub.sync(mirror={"country": "SG"})
    with hub.open() as mirror:
        assert json.dumps(mirror.check("0812345679").normal) != json.dumps("+66812345679")
        assert mirror.check("+66812345679").found
