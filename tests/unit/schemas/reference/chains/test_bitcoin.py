"""Addresses of Bitcoin and related chains: vectors of BIP-350 and CashAddr, and version bytes."""

import pytest

from schemas.reference import chains
from schemas.reference.chains.address import ChainAddress
from schemas.reference.chains.encodings import base58_encode_check, cashaddr_encode
from tests.unit.schemas.reference.chains.sample_addresses import CASHADDR, PROGRAM, SEGWIT_GOOD, refusal

# BIP-350, like the valid ones.
SEGWIT_TEST = [
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
    "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
    "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
]
SEGWIT_BAD = [
    ("tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty", "wallet-form"),
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "checksum"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "checksum"),
    ("tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf", "checksum"),
    ("BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", "checksum"),
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "checksum"),
    ("tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47", "checksum"),
    ("bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", "wallet-form"),
    ("BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "wallet-form"),
    ("bc1pw5dgrnzv", "wallet-form"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav", "wallet-form"),
    ("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "wallet-form"),
    ("tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq", "wallet-form"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", "wallet-form"),
    ("tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j", "wallet-form"),
    ("bc1gmk9yu", "wallet-form"),
]


@pytest.mark.parametrize("text", SEGWIT_GOOD)
def test_a_witness_program_of_bip_350_is_read(text: str) -> None:
    assert chains.read(text) == ChainAddress(text.lower(), "bitcoin")


@pytest.mark.parametrize("text", SEGWIT_TEST)
def test_witness_program_of_the_test_network_is_refused_as_such(text: str) -> None:
    assert refusal(text) == "testnet"


@pytest.mark.parametrize(("text", "reason"), SEGWIT_BAD)
def test_a_bad_witness_program_of_bip_350_is_refused(text: str, reason: str) -> None:
    assert refusal(text) == reason


@pytest.mark.parametrize(("legacy", "cash"), CASHADDR)
def test_every_spelling_of_a_bitcoin_cash_address_has_one_normal_form(legacy: str, cash: str) -> None:
    for spelling in (legacy, cash, cash.upper(), f"bitcoincash:{cash}", f"BITCOINCASH:{cash.upper()}"):
        assert chains.read(spelling, "bitcoin-cash") == ChainAddress(cash, "bitcoin-cash")


def test_a_token_aware_cashaddr_is_its_plain_account() -> None:
    for kind, plain in ((0x10, 0x00), (0x18, 0x08)):
        aware = cashaddr_encode("bitcoincash", bytes([kind]) + PROGRAM)
        assert chains.read(aware).value == cashaddr_encode("bitcoincash", bytes([plain]) + PROGRAM)


def test_a_cashaddr_of_32_bytes_needs_the_version_of_that_length() -> None:
    digest = bytes(range(32))
    long = cashaddr_encode("bitcoincash", b"\x0b" + digest)
    assert chains.read(long) == ChainAddress(long, "bitcoin-cash")
    assert refusal(cashaddr_encode("bitcoincash", b"\x08" + digest)) == "wallet-form"


@pytest.mark.parametrize("prefix", ["bchtest", "bchreg"])
def test_a_cashaddr_of_a_test_network_is_known_with_and_without_its_prefix(prefix: str) -> None:
    address = cashaddr_encode(prefix, b"\0" + PROGRAM)
    assert refusal(address) == "testnet"
    assert refusal(f"{prefix}:{address}") == "testnet"


@pytest.mark.parametrize(
    ("version", "chain", "first"),
    [
        ("00", "bitcoin", "1"),
        ("05", "bitcoin", "3"),
        ("30", "litecoin", "L"),
        ("32", "litecoin", "M"),
        ("1e", "dogecoin", "D"),
        ("16", "dogecoin", "A"),
        ("21", "verge", "E"),
        ("4c", "dash", "X"),
        ("10", "dash", "7"),
        ("26", "bitcoin-gold", "G"),
        ("17", "bitcoin-gold", "A"),
        ("41", "tron", "T"),
        ("1cb8", "zcash", "t"),
        ("1cbd", "zcash", "t"),
    ],
)
def test_a_version_byte_names_its_chain(version: str, chain: str, first: str) -> None:
    text = base58_encode_check(bytes.fromhex(version) + PROGRAM)
    assert chains.read(text) == ChainAddress(text, chain)
    assert text[0] == first


@pytest.mark.parametrize("version", ["6f", "c4", "71", "8c", "13", "1d25", "1cba"])
def test_version_byte_of_a_test_network_is_refused_as_such(version: str) -> None:
    assert refusal(base58_encode_check(bytes.fromhex(version) + PROGRAM)) == "testnet"


def test_an_old_litecoin_script_address_becomes_a_new_one_if_litecoin_is_named() -> None:
    old, new = (base58_encode_check(version + PROGRAM) for version in (b"\x05", b"\x32"))
    assert chains.read(old, "litecoin") == chains.read(new) == ChainAddress(new, "litecoin")
