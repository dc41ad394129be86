"""Presets of the form for a new partner, by the kind of organisation."""

from collections.abc import Mapping
from typing import NamedTuple

from schemas.partner import PartnerKind
from server.web.shell.words import Translatable, mark


class Preset(NamedTuple):
    """The usual collections of a kind of organisation, and the other steps when it joins."""

    kind: PartnerKind
    reads: tuple[str, ...]
    advice: Translatable


PRESETS: Mapping[str, Preset] = {
    "bank": Preset(
        PartnerKind.BANK,
        ("mule-accounts", "wallets", "sightings"),
        mark("Name the bank under Institutions, so that it receives the reports of its own accounts."),
    ),
    "exchange": Preset(
        PartnerKind.EXCHANGE,
        ("wallets", "sightings"),
        mark("Name the exchange under Institutions, so that it receives the reports of its own wallets."),
    ),
    "platform": Preset(
        PartnerKind.PLATFORM,
        ("takedown", "sightings"),
        mark("Name the platform under Institutions, so that it receives the reports of its own pages."),
    ),
    "telecom": Preset(
        PartnerKind.TELECOM,
        ("takedown", "sightings"),
        mark("Name its numbers under Institutions, so that it receives the reports of them."),
    ),
    "government": Preset(
        PartnerKind.GOVERNMENT,
        ("takedown", "mule-accounts", "wallets", "sightings"),
        mark("Police or a financial intelligence unit may need authority. That takes a second person."),
    ),
    "research": Preset(PartnerKind.RESEARCH, ("public",), mark("Research usually reads public values only.")),
}
