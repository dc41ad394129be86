"""Links that hold an address: payment URIs (BIP-21, EIP-681, CAIP-10), ``BTC: …``, pages of block explorers."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from schemas.errors import Rejected
from schemas.reference.chains import evm
from schemas.reference.chains.address import EVM, on_test_network
from schemas.reference.chains.names import find_chain
from schemas.reference.urls import split_address

_LABELLED = re.compile(r"(?:web\+)?([^:/?@]{2,40}):\s*(?://)?(.+)", re.DOTALL)
_CALL = re.compile(r"(?:pay-)?([^@/?]+)(?:@(0x[0-9a-f]+|\d+))?(?:/(\w*))?", re.IGNORECASE)
_CAIP_ID = re.compile(r"(?:\d{1,12}|[0-9a-z]{8,32}|0x[0-9a-f]{8}|mainnet):(.+)", re.IGNORECASE)
_CAIP = {"eip155": EVM, "bip122": "", "tvm": "ton"}


class LinkedAddress(NamedTuple):
    """An address in a link: the address, its chain ("" if the link leaves it open), an XRP destination tag."""

    address: str
    chain: str
    tag: int | None = None


def read_payment_uri(text: str) -> LinkedAddress | None:
    """Return the address in a payment URI or behind a label, None if ``text`` begins with no chain's name."""
    parts = _LABELLED.fullmatch(text)
    if parts is None:
        return None
    label, rest = parts[1].strip(), parts[2].strip()
    chain = _chain_of_label(label)
    if chain is None:
        return None
    body, _, query = rest.partition("?")
    if label.lower() == "eip155":  # CAIP-10: eip155:1:0x…
        number, _, body = body.partition(":")
        body = f"{body}@{number}"
    elif caip := _CAIP_ID.fullmatch(body):
        body = caip[1]
    if chain == EVM or chain in evm.CHAINS:
        return _ethereum(body, query, chain)
    if chain == "ton":
        body = body.removeprefix("transfer/")  # ton://transfer/<address>
    return LinkedAddress(body, chain, _ripple_tag(query) if chain == "ripple" else None)


def _chain_of_label(label: str) -> str | None:
    """Return the chain of a scheme or label, "" if it leaves the chain open, None if it names none."""
    if label.lower() in _CAIP:
        return _CAIP[label.lower()]
    chain = find_chain(label)
    return EVM if chain == "ethereum" and label.islower() else chain  # EIP-681 uses ethereum: for the whole family


def _ripple_tag(query: str) -> int | None:
    """Return the destination tag of an XRP payment, None if there is none of 32 bits."""
    fields = dict(parse_qsl(query))
    tag = fields.get("dt") or fields.get("tag") or ""
    return int(tag) if tag.isdecimal() and int(tag) < 1 << 32 else None


def _ethereum(body: str, query: str, chain: str) -> LinkedAddress:
    """Read the part behind ``ethereum:``. A transfer of a token pays its ``address``, not the token's contract."""
    call = _CALL.fullmatch(body)
    if call is None:
        return LinkedAddress(body, chain)
    address, number, function = call.groups()
    if number:
        chain_id = int(number, 16 if number.lower().startswith("0x") else 10)
        if chain_id in evm.TEST_CHAIN_IDS:
            raise on_test_network("payment request")
        chain = evm.CHAIN_IDS.get(chain_id, EVM)
    if function == "transfer":
        address = dict(parse_qsl(query)).get("address", "")
    elif function:
        raise Rejected(
            "not-an-address", "this URI calls a contract other than to pay; report the contract's address alone"
        )
    return LinkedAddress(address, chain)


# Hosts of block explorers of one chain, or one family of chains.
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
# Hosts of explorers of many chains; a word of the path names the chain.
_OF_MANY = (
    "blockchain.com blockchain.info blockchair.com oklink.com live.blockcypher.com blockexplorer.one 3xpl.com "
    "tokenview.io"
)
_CHAINS = {host: chain for chain, hosts in _HOSTS.items() for host in hosts.split()} | dict.fromkeys(
    _OF_MANY.split(), ""
)
EXPLORER_HOSTS = frozenset(_CHAINS)
_PAGE = re.compile(
    r"(?P<before>(?:[\w-]+/){0,3}?)(?:address|addresses|account|accounts|addr|wallet|profile|contract|explorer|search)/"
    r"(?P<coin>(?:[a-z0-9-]{2,20}/)?)(?P<address>[A-Za-z0-9:_-]{24,130})(?:/.*)?",
    re.IGNORECASE,
)
_ALONE = re.compile(r"(?P<before>)(?P<coin>)(?P<address>[A-Za-z0-9:_-]{40,130})(?:/.*)?")
_VARIANT = re.compile(r"^(?:www|m|[a-z]{2})\.")
_BARE_HOSTS = frozenset({"tonviewer.com"})


def read_explorer_page(text: str) -> LinkedAddress | None:
    """Return the address that a page of a block explorer shows, with its chain; None for any other page."""
    page = split_address(text) if "/" in text else None
    if page is None:
        return None
    host = page.host if page.host in _CHAINS else _VARIANT.sub("", page.host)
    if (chain := _CHAINS.get(host)) is None:
        return None
    for place in (page.path, page.fragment):
        if found := _PAGE.fullmatch(place) or (host in _BARE_HOSTS and _ALONE.fullmatch(place)) or None:
            named = chain or find_chain(f"{found['before']} {found['coin']}".replace("/", " ")) or ""
            return LinkedAddress(found["address"], named)
    return None
