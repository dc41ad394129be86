"""An address as a chain understands it, and the refusals that all chains share."""

from typing import NamedTuple

from schemas.errors import Rejected

EVM = "evm"
SUBSTRATE = "substrate"


class Address(NamedTuple):
    """An address of right form and checksum: its one spelling, and its chain or, where it says no more, the family."""

    value: str
    chain: str


def bad_checksum(form: str) -> Rejected:
    """Say that a checksum does not hold: at least one character is wrong, or one too many or few."""
    return Rejected("checksum", f"the checksum of this {form} is wrong: a character was mistyped, cut off or re-cased")


def bad_form(rule: str) -> Rejected:
    """Say which rule of an address's form is broken."""
    return Rejected("wallet-form", rule)


def test_network(form: str) -> Rejected:
    """Say that an address holds play money only."""
    return Rejected("testnet", f"this {form} is of a test network, where coins have no value and nobody loses money")
