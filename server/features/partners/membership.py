"""The steps by which a partner joins, changes, leaves and returns, each in one transaction.

Large work is only begun: the check of values for a provider (``keeping``), and the departure (``depart``).
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from schemas.partner import FocalFunction, Partner, institution_keys, provides_nothing, valid_contact
from schemas.text import first_alike
from server.features.findings import keeping
from server.features.partners import notices, powers
from server.features.partners.depart import Departure
from server.features.partners.grants import CollectionRights, give, give_to_peer, take_from_peer
from server.features.partners.properties import BadProperties
from server.release import batches
from server.release.hub import Hub
from server.release.publish import identities
from server.store import audit, collections, focal_points, hub_identity, partners
from server.store.credentials import Credentials
from server.store.database.engine import Tx
from server.store.partners import NameTaken
from server.store.providers import kept_accounts


class Joined(NamedTuple):
    """A partner that takes part from now on, and its credentials, which are shown once."""

    partner: Partner
    credentials: Credentials


def add(hub: Hub, tx: Tx, partner: Partner, rights: CollectionRights, by: str) -> Joined:
    """Register a partner; it may always write the inbox.

    Raises ``NameTaken``, ``BadProperties`` if the organisation looks like another, and the errors of ``grants``.
    """
    refuse_alike(tx, partner)
    credentials = partners.add(tx, partner)
    give(tx, partner.name, rights._replace(write=(collections.INBOX, *rights.write)))
    if partner.peer:
        give_to_peer(tx, partner.name)
    if partner.named:
        identities.publish(tx, partner.name)
    _record(tx, "ADD", partner, by)
    powers.tell_of_change(tx, None, partner)
    _keep(hub, tx, partner.name, partner.institutions)
    return Joined(partner, credentials)


def refuse_alike(tx: Tx, partner: Partner) -> None:
    """Refuse the name of a new partner that equals another's, or looks like another's or the hub's.

    Raises ``NameTaken``, and ``BadProperties`` as ``refuse_organisation_alike``.
    """
    left, names = partners.departed_partners(tx), [known.name for known in partners.all_partners(tx)]
    if partner.name in names:
        back = (
            f"; it has left; to restore it: scamfeed partner restore {partner.name!r}" if partner.name in left else ""
        )
        raise NameTaken(f"a partner with this name or identity is already registered{back}")
    if alike := first_alike(partner.name, [*names, hub_identity.load(tx).name]):
        raise NameTaken(f"the name looks like {alike!r}: choose another one")
    refuse_organisation_alike(tx, partner)


def refuse_organisation_alike(tx: Tx, partner: Partner) -> None:
    """Refuse a partner whose organisation is not an existing one but looks like one: each counts once.

    Raises ``BadProperties``.
    """
    own = partner.organisation or partner.name
    known = [found.organisation or found.name for found in partners.all_partners(tx) if found.name != partner.name]
    others = [name for name in known if name.casefold() != partner.counts_as]
    if alike := first_alike(own, others):
        raise BadProperties(f"organisation: {own!r} looks like {alike!r}, and would count as a different organisation")


def change(hub: Hub, tx: Tx, before: Partner, changed: Partner, by: str) -> None:
    """Store changed properties of a partner, and begin to check the values that it gains or loses as provider.

    Raises ``UnknownPartner``, and ``BadProperties`` as ``refuse_organisation_alike``.
    """
    if changed.organisation != before.organisation:
        refuse_organisation_alike(tx, changed)
    if changed != before:
        partners.change(tx, changed)
        _record(tx, "CHANGE", changed, by)
        powers.tell_of_change(tx, before, changed)
        if changed.peer != before.peer:
            (give_to_peer if changed.peer else take_from_peer)(tx, changed.name)
        if before.named or changed.named:
            identities.publish(tx, changed.name)
    moved = {*before.institutions} ^ {*changed.institutions}
    _keep(hub, tx, changed.name, moved | {*before.former_institutions} ^ {*changed.former_institutions})


def remove(hub: Hub, tx: Tx, partner: Partner, reason: str | None, by: str) -> None:
    """End the access of a partner at once, unless it has left, and begin the remaining work.

    With a ``reason`` its reports are retracted too.
    """
    if partner.name not in partners.departed_partners(tx):
        moment = partners.remove(tx, partner.name)
        kept_accounts.leave_all(tx, partner.name, moment)
        _record(tx, "REMOVE", partner, by)
    batches.begin(tx, Departure(hub, partner.name, reason))


def restore(hub: Hub, tx: Tx, partner: Partner, rights: CollectionRights, by: str) -> Joined:
    """Let a partner that left return, with new credentials; other rights have to be granted again.

    Raises ``NameTaken`` if it has not left, and the errors of ``grants.give``.
    """
    credentials = partners.restore(tx, partner.name)
    give(tx, partner.name, rights._replace(write=(collections.INBOX, *rights.write)))
    if partner.peer:
        give_to_peer(tx, partner.name)
    _record(tx, "RESTORE", partner, by)
    notices.add(tx, partner.name, "restored", {})
    _keep(hub, tx, partner.name, partner.institutions)
    return Joined(partner, credentials)


def rotate(tx: Tx, partner: Partner, by: str, *, at_once: bool = False, purpose: str = "") -> Credentials:
    """Issue new credentials to a partner; the old ones work for another week, or end ``at_once``."""
    overlap = timedelta(0) if at_once else partners.OVERLAP
    made = partners.rotate(tx, partner.name, overlap=overlap, purpose=purpose)
    _record(tx, "ROTATE", partner, by)
    notices.add(tx, partner.name, "credentials-issued", {})
    return made


def set_certificate(
    tx: Tx, partner: Partner, certificate: str, by: str, *, at_once: bool = False, purpose: str = ""
) -> str:
    """Register a client certificate, and return its fingerprint; older ones work for another week, or end ``at_once``.

    Raises ``BadCertificate``, and ``NameTaken`` if another partner has it.
    """
    overlap = timedelta(0) if at_once else partners.OVERLAP
    fingerprint = partners.set_certificate(tx, partner.name, certificate, overlap=overlap, purpose=purpose)
    _record(tx, "CERTIFICATE", partner, by)
    notices.add(tx, partner.name, "certificate-registered", {"certificate": fingerprint})
    return fingerprint


def set_focal_point(tx: Tx, partner: Partner | None, function: FocalFunction, contact: str | None, by: str) -> None:
    """Set, or without a contact remove, the contact of a partner or of the hub for a function.

    The audit trail records the contact before the change. Raises ``Rejected`` if it may be a person's address.
    """
    whose = focal_points.HUB if partner is None else partner.name
    old = [point.contact for point in focal_points.of(tx, whose) if point.function is function]
    if contact is None:
        focal_points.remove(tx, whose, function)
    else:
        focal_points.put(tx, whose, function, valid_contact(contact))
        if function is FocalFunction.PROTECTION:
            hub_identity.clear_warning(tx, hub_identity.NO_FOCAL_POINT)
    if partner is None:
        hub_identity.touch(tx)
    else:
        partners.touch(tx, partner.name)
    _record(tx, "FOCAL-POINT", partner, by, f"{function.value} was {old[0] if old else 'none'}")
    if partner is None or partner.named:
        identities.publish(tx, None if partner is None else partner.name)


def providing_nothing(partner: Partner) -> list[str]:
    """Return the institutions of a partner that are not the provider of any account."""
    return [institution for institution in partner.institutions if provides_nothing(institution)]


def _record(tx: Tx, verb: str, partner: Partner | None, by: str, before: str = "") -> None:
    """Record an act on a partner, or on the hub, in the audit trail, with the value ``before`` it."""
    identity = hub_identity.identity(tx) if partner is None else partner.identity
    audit.record_act(tx, by, verb, "partner", objects=0, reference=f"{identity} {before}".rstrip())


def _keep(hub: Hub, tx: Tx, name: str, institutions: Iterable[str]) -> None:
    """Begin to check the values of these institutions, which have a new provider now."""
    keys = frozenset(key for institution in institutions for key in institution_keys(institution))
    if keys:
        keeping.begin(hub, tx, name, keys)
