"""stix2extensions (dogesec) lets stix2 accept all of ``full``, and derives the same observable ids."""

import json

import pytest
import stix2
from hub import of_type
from mapped import document, objects
from stix2extensions import BankAccount, CryptocurrencyWallet, Phonenumber

OWN = {"bank-account": BankAccount, "cryptocurrency-wallet": CryptocurrencyWallet, "phone-number": Phonenumber}


def test_the_full_bundle_parses_strictly() -> None:
    parsed = stix2.parse(document("full"), allow_custom=False)
    assert [one.id for one in parsed.objects] == [one["id"] for one in document("full")["objects"]]


@pytest.mark.parametrize("type_", sorted(OWN))
def test_observables_equal_those_of_the_package(type_: str) -> None:
    for one in of_type(objects("full"), type_):
        parsed = stix2.parse(one, allow_custom=False)
        assert isinstance(parsed, OWN[type_])
        assert json.loads(parsed.serialize()) == one
        properties = {name: value for name, value in one.items() if name not in ("id", "type", "spec_version")}
        # By the package's rule, one number would be the same account at every bank. Our id includes the bank.
        assert (OWN[type_](**properties).id == one["id"]) is ("account_number" not in one)


def test_standard_observables_have_standard_ids() -> None:
    standard = [one for one in objects("full") if "created" not in one and one["type"] not in OWN]
    assert {one["type"] for one in standard} >= {"domain-name", "url", "email-addr", "ipv4-addr", "user-account"}
    for one in standard:
        unnamed = {name: value for name, value in one.items() if name != "id"}
        assert stix2.parse(unnamed, allow_custom=False).id == one["id"]
