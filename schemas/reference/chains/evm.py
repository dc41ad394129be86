"""Ethereum and the chains that share its addresses."""

from Crypto.Hash import keccak

from schemas.errors import Rejected
from schemas.reference.chains.address import EVM, ChainAddress, wrong_checksum

# EIP-155 chain ids (ethereum-lists/chains) and the names that these chains have here.
CHAIN_IDS = {
    1: "ethereum",
    10: "optimism",
    25: "cronos",
    56: "bsc",
    61: "ethereum-classic",
    100: "gnosis",
    137: "polygon",
    146: "sonic",
    250: "fantom",
    324: "zksync",
    5000: "mantle",
    8217: "kaia",
    8453: "base",
    42161: "arbitrum",
    42220: "celo",
    43114: "avalanche",
    59144: "linea",
    81457: "blast",
    534352: "scroll",
}
TEST_CHAIN_IDS = frozenset(
    {3, 4, 5, 42, 97, 300, 1001, 10200, 17000, 43113, 80001, 80002, 84532, 421614, 560048, 11155111, 11155420}
)
CHAINS = frozenset(CHAIN_IDS.values())


def account(text: str, chain: str) -> ChainAddress:
    """Read 0x and 40 hexadecimal digits; mixed case is a checksum (EIP-55) and must hold.

    The normal form is lower case. Only ``chain`` tells the chain: one key has the same address on all of them.
    """
    digits = text[2:]
    lower = digits.lower()
    if digits != lower and digits != digits.upper() and digits != _checksummed(lower):
        raise wrong_checksum("mixed-case address (EIP-55)")
    return ChainAddress("0x" + lower, chain if chain in CHAINS else EVM)


def bare(text: str, chain: str) -> ChainAddress:
    """Read 40 hexadecimal digits without 0x if a chain of the family is named: else they may be any digest."""
    if chain in CHAINS or chain == EVM:
        return account("0x" + text, chain)
    raise Rejected(
        "wallet-ambiguous", "40 hexadecimal digits alone may be a file's digest: write 0x in front, or name the chain"
    )


def _checksummed(lower: str) -> str:
    """Return the digits in the case that EIP-55 requires: upper if the digit of the hash is 8 or more."""
    digest = keccak.new(data=lower.encode("ascii"), digest_bits=256).hexdigest()
    return "".join([c.upper() if h > "7" else c for c, h in zip(lower, digest, strict=False)])
