"""Heads that a peer sends to a hub that does not read from the peer."""

from typing import Any

import msgspec


class PushedHeads(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signed heads, as their origins published them."""

    heads: list[Any]


class PushedHeadsAnswer(msgspec.Struct, frozen=True):
    """The result of the heads that a peer sent.

    ``refused`` has the number of refused heads by reason. ``incomplete`` are the identities of the origins whose set
    here is not the one that the sent head signs. ``number`` and ``retained`` are as in the answer with heads.
    """

    refused: dict[str, int]
    incomplete: list[str]
    number: int | None
    retained: list[str]
