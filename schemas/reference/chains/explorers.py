"""Block explorers: which address a page of theirs shows, and on which chain."""

import re

from schemas.reference.chains.address import EVM
from schemas.reference.chains.names import chain_called
from schemas.reference.chains.uri import Request
from schemas.reference.web_address import read_address

# One chain's, or one family's.
_HOSTS = {
    "bitcoin": "blockstream.info mempool.space btc.com explorer.btc.com btcscan.org blockpath.com walletexplorer.com",
    "ethereum": "etherscan.io etherscan.com ethplorer.io eth.blockscout.com etherchain.org beaconcha.in",
    "bsc": "bscscan.com bsctrace.com",
    "polygon": "polygonscan.com polygon.blockscout.com",
    "arbitrum": "arbiscan.io arbitrum.blockscout.com",
    "optimism": "optimistic.etherscan.io optimism.blockscout.com",
    "avalanche": "snowtrace.io snowscan.xyz",
    "base": "basescan.org base.blockscout.com",
    "fantom": "ftmscan.com",
    "sonic": "sonicscan.org",
    "gnosis": "gnosisscan.io gnosis.blockscout.com",
    "cronos": "cronoscan.com",
    "celo": "celoscan.io",
    "linea": "lineascan.build",
    "scroll": "scrollscan.com",
    "blast": "blastscan.io",
    "mantle": "mantlescan.xyz",
    "zksync": "explorer.zksync.io era.zksync.network",
    "kaia": "kaiascan.io klaytnscope.com",
    EVM: "debank.com zapper.xyz zerion.io",
    "tron": "tronscan.org tronscan.io trx.tokenview.io",
    "solana": "solscan.io explorer.solana.com solana.fm solanabeach.io",
    "ripple": "xrpscan.com livenet.xrpl.org bithomp.com",
    "ton": "tonscan.org tonviewer.com ton.cx",
    "cardano": "cardanoscan.io cexplorer.io",
    "dogecoin": "dogechain.info",
    "litecoin": "litecoinspace.org",
    "polkadot": "polkadot.subscan.io",
    "kusama": "kusama.subscan.io",
}
# Of many chains, which a word of the path names.
_OF_MANY = (
    "blockchain.com blockchain.info blockchair.com oklink.com live.blockcypher.com blockexplorer.one 3xpl.com "
    "tokenview.io"
)
_CHAINS = {host: chain for chain, hosts in _HOSTS.items() for host in hosts.split()} | dict.fromkeys(
    _OF_MANY.split(), ""
)
HOSTS = frozenset(_CHAINS)
_PAGE = re.compile(
    r"(?P<before>(?:[\w-]+/){0,3}?)(?:address|addresses|account|accounts|addr|wallet|profile|contract|explorer|search)/"
    r"(?P<coin>(?:[a-z0-9-]{2,20}/)?)(?P<address>[A-Za-z0-9:_-]{24,130})(?:/.*)?",
    re.IGNORECASE,
)
_ALONE = re.compile(r"(?P<before>)(?P<coin>)(?P<address>[A-Za-z0-9:_-]{40,130})(?:/.*)?")
_VARIANT = re.compile(r"^(?:www|m|[a-z]{2})\.")
_BARE_HOSTS = frozenset({"tonviewer.com"})


def at(text: str) -> Request | None:
    """Give the address that a page of an explorer shows, with its chain; None where ``text`` is no such page."""
    page = read_address(text) if "/" in text else None
    if page is None:
        return None
    host = page.host if page.host in _CHAINS else _VARIANT.sub("", page.host)
    if (chain := _CHAINS.get(host)) is None:
        return None
    for place in (page.path, page.fragment):
        if found := _PAGE.fullmatch(place) or (host in _BARE_HOSTS and _ALONE.fullmatch(place)) or None:
            named = chain or chain_called(f"{found['before']} {found['coin']}".replace("/", " ")) or ""
            return Request(found["address"], named)
    return None
