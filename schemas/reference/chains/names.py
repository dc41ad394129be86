"""Names of chains as people write them: names, tickers, token standards, in English and Thai."""

import re
from collections.abc import Mapping
from functools import lru_cache

from schemas.errors import Rejected
from schemas.reference.chains.address import EVM

# A ticker stands for its coin's own chain. Names are compared without case, blanks and punctuation.
_NAMES: Mapping[str, str] = {
    "bitcoin": "btc xbt omni brc20 บิตคอยน์ บิทคอยน์",
    "bitcoin-cash": "bch bitcoincashabc บิตคอยน์แคช บิทคอยน์แคช",
    "bitcoin-sv": "bsv bitcoinsatoshivision",
    "bitcoin-gold": "btg",
    "litecoin": "ltc ไลท์คอยน์ ไลต์คอยน์",
    "dogecoin": "doge xdg โดชคอยน์",
    "dash": "",
    "verge": "xvg",
    "zcash": "zec",
    "monero": "xmr โมเนโร",
    "ripple": "xrp xrpl xrpledger",
    "solana": "sol spl spltoken โซลานา",
    "tron": "trx trc20 trc10 tronnetwork ตรอน ทรอน",
    "ton": "toncoin gram theopennetwork",
    "cardano": "ada",
    "polkadot": "dot",
    "kusama": "ksm",
    "bittensor": "tao",
    EVM: "evmchain evmcompatible",
    "ethereum": "eth ether erc20 erc721 erc1155 mainnet อีเธอเรียม อีเทอเรียม",
    "bsc": "bnb bep20 bnbchain bnbsmartchain binancesmartchain",
    "polygon": "matic pol polygonpos",
    "arbitrum": "arb arb1 arbitrumone arbitrumeth",
    "optimism": "op opmainnet",
    "avalanche": "avax avaxc cchain avalanchecchain",
    "base": "basechain",
    "fantom": "ftm fantomopera",
    "sonic": "",
    "gnosis": "xdai gnosischain gno",
    "cronos": "cro",
    "celo": "",
    "kaia": "klaytn klay",
    "zksync": "zksyncera",
    "linea": "",
    "mantle": "mnt",
    "blast": "",
    "scroll": "",
    "ethereum-classic": "etc",
}
# Coins of many chains: their address tells the chain.
_TOKENS = (
    "usdt tether เทเธอร์ usdc usdcoin busd dai tusd usdd usde fdusd pyusd eurc wbtc weth crypto token stablecoin คริปโต"
)
# Chains whose addresses cannot be verified here: refused by name rather than taken for another chain's.
_FOREIGN = (
    "xlm stellar algo algorand xtz tezos eos near apt aptos sui atom cosmos fil filecoin hbar hedera icp stx stacks "
    "vet vechain kas kaspa qtum dcr decred dgb digibyte rvn ravencoin waves iota egld elrond flow nano zil zilliqa bep2"
)

_SEPARATORS = re.compile(r"[\W_]+")


def _key(name: str) -> str:
    """Return a name without case, blanks and punctuation."""
    return _SEPARATORS.sub("", name.casefold())


_CHAINS = {_key(name): chain for chain, names in _NAMES.items() for name in (chain, *names.split())}
_CHAINS |= {_key(token): "" for token in _TOKENS.split()}
_UNCHECKED = {_key(name) for name in _FOREIGN.split()}
_MOST_WORDS = 8


@lru_cache(maxsize=4096)
def find_chain(name: str) -> str | None:
    """Return the chain that ``name`` means: "" for a token of many chains, None if it is not known.

    The longest run of words that is a name counts: ``Bitcoin Cash (BCH)``, ``USDT-TRC20``.
    """
    words = [word for word in _SEPARATORS.split(name.casefold()) if word][:_MOST_WORDS]
    for size in range(len(words), 0, -1):
        runs = ("".join(words[start : start + size]) for start in range(len(words) - size + 1))
        found = {_CHAINS[run] for run in runs if run in _CHAINS}
        named = found - {""}
        if len(named) > 1:
            return None
        if found:
            return next(iter(named), "")
    return None


def chain_of_columns(chain: str, currency: str) -> str:
    """Return the chain that the columns of a report name, "" if they leave it open; ``chain`` comes first."""
    if chain:
        named = find_chain(chain)
        if named is None:
            raise Rejected(
                "chain-unknown",
                "the chain column names no chain known here, or several; known are " + ", ".join(_NAMES),
            )
        if named:
            return named
    if _key(currency) in _UNCHECKED:
        raise Rejected("chain-unknown", "addresses of this currency's chain cannot be checked here, so none is taken")
    return find_chain(currency) or ""
