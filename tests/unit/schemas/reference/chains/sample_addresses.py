"""Addresses from the specifications of chains, for tests of several modules."""

import pytest

from schemas.errors import Rejected
from schemas.reference import chains
from schemas.reference.chains.encodings import BECH32_CHARSET

# BIP-350, "Test vectors for v0-v16 native segregated witness addresses".
SEGWIT_GOOD = [
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
    "BC1SW50QGDZ25J",
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
]
# The CashAddr specification, "Examples of address translation".
CASHADDR = [
    ("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu", "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
    ("1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR", "qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy"),
    ("16w1D5WRVKJuZUsSRzdLp9w3YGcgoxDXb", "qqq3728yw0y47sqn6l2na30mcw6zm78dzqre909m2r"),
    ("3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC", "ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq"),
    ("3LDsS579y7sruadqu11beEJoTjdFiFCdX4", "pr95sy3j9xwd2ap32xkykttr4cvcu7as4yc93ky28e"),
    ("31nwvkZwyPdgzjBJZXfDmSWsC4ZLKpYyUw", "pqq3728yw0y47sqn6l2na30mcw6zm78dzq5ucqzc37"),
]
# CIP-19, "Test vectors", main network; Byron from Cardano's documentation.
CARDANO = [
    "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x",
    "addr1gx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer5pnz75xxcrzqf96k",
    "addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8",
    "stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw",
    "Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi",
    "DdzFFzCqrhsrcTVhLygT24QwTnNqQqQ8mZrq5jykUzMveU26sxaH529kMpo7VhPrt5pwW3dXeB2k3EEvKcNBRmzCfcQ7dTkyGzTs658C",
]
# XLS-5: one account by its classic address, and with tag 0 and tag 1.
XRP = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf"
X_TAGS = ["XVLhHMPHU98es4dbozjVtdWzVrDjtV8AqEL4xcZj5whKbmc", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8xvjGQTYPiAx6gwDC"]
# Monero's documentation: an integrated address of the same wallet, a donation address, a subaddress.
MONERO = [
    "4LL9oSLmtpccfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2bYXZKKQePHES9khPK",
    "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
    "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H",
]
ALICE = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"  # Substrate's development key
PROGRAM = bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6")  # hash of the generator point, as in BIP-173


def refusal(text: str, chain: str = "") -> str:
    with pytest.raises(Rejected) as caught:
        chains.read(text, chain)
    return caught.value.reason


def bech32_encode(prefix: str, data: bytes, kind: int, padding: str = "0") -> str:
    """Encode ``data`` with BIP-173's own checksum definition, independent of the tables of the code under test."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += padding * (-len(bits) % 5)
    chars = "".join(BECH32_CHARSET[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    state = 1
    values = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    for value in [*values, *(BECH32_CHARSET.index(char) for char in chars), 0, 0, 0, 0, 0, 0]:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit in range(5):
            state ^= generator[bit] if top >> bit & 1 else 0
    state ^= kind
    return f"{prefix}1{chars}" + "".join(BECH32_CHARSET[state >> shift & 31] for shift in range(25, -1, -5))
