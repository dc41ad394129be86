"""The objects that others refer to: who speaks, how it is marked, what extends it."""

from collections.abc import Iterable
from typing import Any

from mappers import extension, identity, location, marking
from schemas.partner import PartnerKind
from schemas.vocabulary import Tlp


def of(levels: Iterable[Tlp]) -> list[dict[str, Any]]:
    """Give what a reader of our objects needs beside them whoever says them, in an order that can be stored.

    ``levels`` are the TLP levels in use; the identity is TLP:CLEAR itself.
    """
    return [
        *(marking.definition(tlp) for tlp in sorted({Tlp.CLEAR, *levels}, key=list(Tlp).index)),
        identity.to_stix(extension.PROJECT),
        extension.definition(),
    ]


def with_reporter(reporter: str, kind: PartnerKind | None, levels: Iterable[Tlp]) -> list[dict[str, Any]]:
    """Give what a reader of ``reporter``'s objects needs beside them."""
    return [*of(levels), identity.to_stix(reporter, kind)]


def reserved() -> frozenset[str]:
    """Give the ids of what nobody but the hub may say: the markings, the extension with its maker, the countries."""
    return frozenset(obj["id"] for obj in of(Tlp)) | location.every().keys()
