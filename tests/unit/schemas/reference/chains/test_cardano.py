"""Addresses of Cardano against CIP-19: Shelley's headers, and what Byron's carry."""

import binascii

import pytest

from schemas.reference import chains
from schemas.reference.chains import base58, bech32
from schemas.reference.chains.address import ChainAddress
from tests.unit.schemas.reference.chains.made_addresses import CARDANO, bech32_encode, refusal

# CIP-19 and Cardano's documentation, of test networks.
CARDANO_TEST = [
    "addr_test1qz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgs68faae",
    "37btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3RFhhSVWwfFmZ6wwzSK6JK1hY6wHNmtrpTf1kdbva8TCneM2YsiXT7mrzT21EacHnPpz5YyUdj64na",
]


@pytest.mark.parametrize("text", CARDANO)
def test_a_cardano_address_is_read(text: str) -> None:
    assert chains.read(text) == ChainAddress(text, "cardano")


@pytest.mark.parametrize("text", CARDANO_TEST)
def test_a_cardano_address_of_a_test_network_is_refused_as_one(text: str) -> None:
    assert refusal(text) == "testnet"


def cardano(prefix: str, header: int, size: int) -> str:
    return bech32_encode(prefix, bytes([header]) + bytes(size), bech32.BECH32)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (cardano("addr", 0x01, 55), "wallet-form"),
        (bech32_encode("addr", bytes([0x61]) + bytes(28), bech32.BECH32, padding="1"), "wallet-form"),
        (cardano("addr", 0x61, 56), "wallet-form"),
        (cardano("addr", 0xE1, 28), "wallet-form"),
        (cardano("stake", 0x61, 28), "wallet-form"),
        (cardano("addr", 0x91, 28), "wallet-form"),
        (cardano("addr", 0x00, 56), "testnet"),
    ],
)
def test_a_cardano_header_fits_its_length_and_prefix(text: str, reason: str) -> None:
    assert refusal(text) == reason


def byron(payload: bytes) -> str:
    crc = binascii.crc32(payload).to_bytes(4, "big")
    return base58.encode(b"\x82\xd8\x18\x58" + bytes([len(payload)]) + payload + b"\x1a" + crc)


def test_a_byron_address_has_a_root_hash_and_no_network_of_its_own() -> None:
    root = b"\x83\x58\x1c" + bytes(28)
    assert chains.read(byron(root + b"\xa0\x00")).chain == "cardano"
    assert refusal(byron(root + b"\xa1\x02\x41\x01\x00")) == "testnet"
    assert refusal(byron(root + b"\xa2\x01\x42\x41\x00\x02\x41\x01\x00")) == "testnet"
    assert refusal(byron(b"\x84\x58\x1c" + bytes(30))) == "wallet-form"
