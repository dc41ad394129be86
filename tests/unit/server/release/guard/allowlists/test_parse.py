"""Published lists are read in normal form, or refused as a whole."""

import json

import pytest
from hypothesis import given, settings, strategies as st

from schemas.errors import Rejected
from server.release.guard.allowlists import parse
from server.release.guard.allowlists.catalogue import ALLOWLISTS


def entries(name: str, content: str) -> list[str]:
    return parse.entries(ALLOWLISTS[name], content.encode())


def test_a_misp_warninglist_is_read_in_normal_form() -> None:
    content = json.dumps(
        {"name": "List of known bank domains", "list": [".Bank.example", "bänk.example", "bank.example"]}
    )
    assert entries("bank-website", content) == ["bank.example", "xn--bnk-qla.example"]


def test_a_tag_pack_is_read_in_normal_form() -> None:
    content = """title: Wallets
currency: BTC
tags:
- address: '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'
- address: '0x000000000000000000000000000000000000dEaD'
  currency: ETH
"""
    assert entries("exchange-wallets-binance", content) == [
        "0x000000000000000000000000000000000000dead",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    ]


def test_lines_are_read_without_comments() -> None:
    assert entries("local-numbers", "# ours\n+66 81 234 5678 # the desk\n\nTH 1441\n") == ["+66812345678", "TH:1441"]
    assert entries("public-dns-v4", "192.0.2.1\n192.0.2.128/25\n2001:DB8::/32") == [
        "192.0.2.1",
        "192.0.2.128/25",
        "2001:db8::/32",
    ]


def test_ranges_of_numbers_keep_their_country() -> None:
    content = json.dumps({"list": [r"/((?:\+|00)44)?02079460([0-9]{3})/g"]})
    assert entries("phone_numbers", content) == [r"\+4402079460([0-9]{3})"]


@pytest.mark.parametrize("pattern", [r"/((?:\+|00)44)?(0+)+$/g", r"/.*/g", "(a+)+"])
def test_expensive_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(Rejected, match="0 of 1"):
        entries("phone_numbers", json.dumps({"list": [pattern]}))


@pytest.mark.parametrize("content", ["", "{", '{"list": 1}', "[1, 2]", "\x00", "<html></html>", "tags:\n- 1"])
def test_malformed_list_is_refused(content: str) -> None:
    with pytest.raises(Rejected, match="list-"):
        entries("bank-website", content)


def test_a_list_of_another_type_is_refused() -> None:
    with pytest.raises(Rejected, match="list-content"):
        entries("bank-website", "+66812345678\n+66812345679\nbank.example")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("lists/bank-website/list.json", "bank-website"),
        ("misp__public-dns-v4.json.gz", "public-dns-v4"),
        ("graphsense__exchange-wallets-bybit.yaml", "exchange-wallets-bybit"),
        ("packs/richest_addresses.yaml", "richest_addresses"),
        ("lists/tlds/list.json", None),
        ("list.json", None),
    ],
)
def test_the_file_name_names_the_list(path: str, name: str | None) -> None:
    allowlist = parse.allowlist_of_file(path)
    assert (allowlist and allowlist.name) == name


@given(st.binary(max_size=300), st.sampled_from(sorted(ALLOWLISTS)))
@settings(deadline=None)
def test_any_content_is_a_list_or_refused(content: bytes, name: str) -> None:
    try:
        found = parse.entries(ALLOWLISTS[name], content)
    except Rejected as refused:
        found, reason = [], refused.reason
    else:
        reason = "list-taken"
    assert found == sorted(set(found))
    assert reason.startswith("list-")
