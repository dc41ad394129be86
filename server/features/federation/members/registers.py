"""Numbers that identify an organisation at every hub: of registers of companies, LEIs, and of institutions."""

from typing import NamedTuple

from sqlalchemy import delete, insert, select

from schemas import kinds
from schemas.partner import institution_keys
from server.features.federation.members import linking
from server.features.federation.members.tables import partner_registers
from server.release.hub import Hub
from server.store.database.engine import Tx

_register = partner_registers.c


class RegisteredMember(NamedTuple):
    """An organisation of this hub: its partners, the numbers that other hubs may know, and the proof of its link."""

    organisation: str
    partners: tuple[str, ...]
    numbers: frozenset[str]
    proof: str | None


def normal_number(text: str) -> str:
    """Return a number with its register, as ``KH:00012345`` or ``LEI:…``. Raises ``Rejected``."""
    return kinds.get("company").normalise(text).value


def add(tx: Tx, organisation: str, number: str) -> bool:
    """Store the number of an organisation; return False if it is stored already."""
    mine = (_register.organisation == organisation, _register.number == number)
    if tx.execute(select(_register.number).where(*mine)).first() is not None:
        return False
    tx.execute(insert(partner_registers), [{"organisation": organisation, "number": number}])
    return True


def remove(tx: Tx, organisation: str, number: str) -> bool:
    """Remove the number of an organisation; return False if it is not stored."""
    mine = (_register.organisation == organisation, _register.number == number)
    return tx.execute(delete(partner_registers).where(*mine)).rowcount > 0


def numbers_of(tx: Tx, organisation: str) -> list[str]:
    """Return the stored numbers of an organisation."""
    asked = select(_register.number).where(_register.organisation == organisation)
    return list(tx.execute(asked.order_by(_register.number)).scalars())


def members(hub: Hub, tx: Tx) -> list[RegisteredMember]:
    """Return the organisations of this hub, without the partners as which other hubs read here."""
    registry, readers = hub.facts.at(tx).registry, {peer.partner for peer in hub.peers}
    stored: dict[str, set[str]] = {}
    for organisation, number in tx.execute(select(_register.organisation, _register.number)):
        stored.setdefault(organisation, set()).add(number)
    links, found = linking.all_links(tx), dict[str, RegisteredMember]()
    for name, partner in sorted(registry.partners.items()):
        if partner.peer or name in readers:
            continue
        key = partner.counts_as
        before = found.get(key, RegisteredMember(key, (), frozenset(stored.get(key, ())), None))
        keys = {_one_key(institution) for institution in partner.institutions}
        proof = links[key].proof if key in links else None
        found[key] = RegisteredMember(key, (*before.partners, name), before.numbers | keys, proof)
    return list(found.values())


def _one_key(institution: str) -> str:
    """Return one of the keys of an institution, the same for each of its spellings where that is known."""
    return max(institution_keys(institution), key=lambda key: (":" in key, len(key), key))
