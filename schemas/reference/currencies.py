"""Currencies of amounts: those of ISO 4217, and the coins that are known here by their symbols."""

from functools import cache

import pycountry

from schemas.errors import Rejected

# Codes for tests and for "no currency".
_NO_MONEY = frozenset({"XXX", "XTS"})
# Codes that ISO 4217 withdrew lately: figures of years past still have them.
_WITHDRAWN = "ANG BGN BYR CUC HRK LTL MRO SLL STD VEF ZWL"
_COINS = """
ADA AERGO ALGO APT ARB ATOM AVAX AXS BCH BGB BNB BONK BSV BTC BTCB BTG BTT BUSD CAKE CBBTC CRO DAI DASH DCR DGB DOGE DOT
EGLD ENA EOS ETC ETH EURC EURI EURS EURT FDUSD FIL FLOW FTM GALA GNO GRT GUSD HBAR HYPE ICP INJ IOTA JFIN JST KAIA KAS
KLAY KSM KUB LDO LEO LINK LTC LUNA LUNC MANA MATIC MKR MNT NANO NEAR NOT OKB OM ONDO OP PAXG PEPE POL PYUSD QTUM RLUSD
RUNE RVN SAND SEI SHIB SOL STETH STX SUI SUN TAO TIA TON TRUMP TRX TUSD UNI USD1 USDC USDD USDE USDP USDS USDT VET WAVES
WBNB WBTC WETH WIF WLD WSTETH XAUT XBT XDAI XDG XLM XMR XRP XTZ XVG ZEC ZIL
"""


@cache
def known() -> frozenset[str]:
    """Return the codes of currencies, and the symbols of coins, that an amount may be in."""
    of_states = {currency.alpha_3 for currency in pycountry.currencies}
    return frozenset(of_states - _NO_MONEY) | frozenset(_WITHDRAWN.split()) | frozenset(_COINS.split())


def refuse_unknown(field: str, code: object) -> None:
    """Raise ``Rejected``, with the name of the ``field``, for a ``code`` that is neither a currency nor a coin."""
    if isinstance(code, str) and code not in known():
        message = (
            "is no currency of ISO 4217 and no coin known here: write its code, as THB, or a coin's symbol, as USDT"
        )
        raise Rejected(f"bad-{field.replace('_', '-').replace('.', '-')}", f"{field}: {message}")
