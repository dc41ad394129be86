"""The steps by which a partner joins, changes, leaves and comes back, each in one transaction; large work follows."""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from schemas.keeper import keeps_nothing, keys_of
from schemas.partner import FocalFunction, Partner, valid_contact
from server.release import batches, keeping
from server.release.batches import State
from server.release.depart import Departure
from server.release.guard import volume
from server.release.hub import Hub
from server.release.keeping import Keeping
from server.release.partners.grants import CollectionRights, give
from server.release.partners.trail import record
from server.release.publish import identities
from server.store import focal_points, hub_identity, partners
from server.store.credentials import Credentials
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.keepers import kept_accounts
from server.store.partners import NameTaken

INBOX = "inbox"


class NotThrottled(LookupError):
    """The partner is not throttled."""


class Joined(NamedTuple):
    """A partner that takes part now, its credentials, to be shown once, and the look at what it keeps, if any."""

    partner: Partner
    credentials: Credentials
    job: Keeping | None


class Leaving(NamedTuple):
    """The work that is left for a partner that leaves, and its progress."""

    job: Departure
    state: State


def add(hub: Hub, tx: Tx, partner: Partner, rights: CollectionRights, by: str) -> Joined:
    """Register a partner; it may always write the inbox.

    Raises ``NameTaken``, and what ``grants.grant`` raises.
    """
    try:
        credentials = partners.add(tx, partner)
    except NameTaken as error:
        left = partner.name in partners.departed_partners(tx)
        back = f"; it left: scamfeed partner restore {partner.name!r} brings it back" if left else ""
        raise NameTaken(f"{error}{back}") from None
    give(tx, partner.name, rights._replace(write=(INBOX, *rights.write)))
    if partner.named:
        identities.publish(tx, partner.name)
    record(tx, "ADD", partner, by)
    return Joined(partner, credentials, _keep(hub, tx, partner.name, partner.institutions))


def change(hub: Hub, tx: Tx, before: Partner, changed: Partner, by: str) -> Keeping | None:
    """Store changed properties of a partner; return the look at what it keeps now, or no more, None where that stays.

    Raises ``UnknownPartner``.
    """
    if changed != before:
        partners.change(tx, changed)
        record(tx, "CHANGE", changed, by)
        if before.named or changed.named:
            identities.publish(tx, changed.name)
    moved = {*before.institutions} ^ {*changed.institutions}
    return _keep(hub, tx, changed.name, moved | {*before.former_institutions} ^ {*changed.former_institutions})


def remove(hub: Hub, tx: Tx, partner: Partner, reason: str | None, by: str) -> Leaving:
    """End the access of a partner at once, where it has not left; return what is left to do, to be done in batches.

    With a ``reason`` its reports are taken back too.
    """
    if partner.name not in partners.departed_partners(tx):
        moment = partners.remove(tx, partner.name)
        kept_accounts.leave_all(tx, partner.name, moment)
        record(tx, "REMOVE", partner, by)
    job = Departure(hub, partner.name, reason)
    return Leaving(job, batches.begin(tx, job).state)


def restore(hub: Hub, tx: Tx, partner: Partner, rights: CollectionRights, by: str) -> Joined:
    """Let a partner that left take part again, with new credentials; other rights are granted anew.

    Raises ``NameTaken`` for one that has not left, and what ``grants.grant`` raises.
    """
    credentials = partners.restore(tx, partner.name)
    give(tx, partner.name, rights._replace(write=(INBOX, *rights.write)))
    record(tx, "RESTORE", partner, by)
    return Joined(partner, credentials, _keep(hub, tx, partner.name, partner.institutions))


def rotate(tx: Tx, partner: Partner, by: str, *, at_once: bool = False) -> Credentials:
    """Issue new credentials to a partner; the old ones work for another week, or end ``at_once``."""
    made = partners.rotate(tx, partner.name, overlap=timedelta(0) if at_once else partners.OVERLAP)
    record(tx, "ROTATE", partner, by)
    return made


def set_certificate(tx: Tx, partner: Partner, certificate: str, by: str, *, at_once: bool = False) -> str:
    """Register a client certificate, and return its fingerprint; older ones work for another week, or end ``at_once``.

    Raises ``BadCertificate``, and ``NameTaken`` where it is another partner's.
    """
    overlap = timedelta(0) if at_once else partners.OVERLAP
    fingerprint = partners.set_certificate(tx, partner.name, certificate, overlap=overlap)
    record(tx, "CERTIFICATE", partner, by)
    return fingerprint


def set_focal_point(tx: Tx, partner: Partner | None, function: FocalFunction, contact: str | None, by: str) -> None:
    """Set or, without a contact, remove the contact of a partner, or of the hub, for a matter.

    The audit trail has the contact that was there before. Raises ``Rejected`` for what may be a person's address.
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
    record(tx, "FOCAL-POINT", partner, by, f"{function.value} was {old[0] if old else 'none'}")
    if partner is None or partner.named:
        identities.publish(tx, None if partner is None else partner.name)


def lift_throttle(tx: Tx, partner: Partner, by: str) -> None:
    """Lift the throttle of a partner. Raises ``NotThrottled``."""
    if not volume.lift_throttle(tx, partner.name, now(), by):
        raise NotThrottled(f"{partner.name}: this partner is not throttled")


def keeping_nothing(partner: Partner) -> list[str]:
    """Return the institutions of a partner at which no account is kept."""
    return [institution for institution in partner.institutions if keeps_nothing(institution)]


def _keep(hub: Hub, tx: Tx, name: str, institutions: Iterable[str]) -> Keeping | None:
    """Begin to look at what these institutions keep, whose partner is another from now on; None for no institution."""
    keys = frozenset(key for institution in institutions for key in keys_of(institution))
    return keeping.begin(hub, tx, name, keys) if keys else None
