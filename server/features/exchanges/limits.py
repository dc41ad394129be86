"""Exchanges: collections that their members write directly. Only its maker may change or delete an object."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from schemas.errors import Rejected
from schemas.partner import Partner
from server.release.guard.stix_properties import MAX_CLOCK_SKEW
from server.release.reasons import Reason
from server.store import log, partners
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.exchanges import makers
from server.store.item import Item

_SKEW = MAX_CLOCK_SKEW // MAX_CLOCK_SKEW.resolution
# The properties of observables that tell one from another (STIX 2.1 section 6); of other types all do.
_NAMED_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("domain-name", "email-addr", "ipv4-addr", "ipv6-addr", "mac-addr", "url"), ("value",)),
        "artifact": ("hashes", "payload_bin"),
        "autonomous-system": ("number",),
        "directory": ("path",),
        "email-message": ("from_ref", "subject", "body"),
        "file": ("hashes", "name", "parent_directory_ref"),
        "mutex": ("name",),
        "software": ("name", "cpe", "swid", "vendor", "version"),
        "user-account": ("account_type", "user_id", "account_login"),
        "windows-registry-key": ("key", "values"),
        "x509-certificate": ("hashes", "serial_number"),
    }
)


class _Made(msgspec.Struct):
    created_by_ref: Any = None


class Addition(NamedTuple):
    """The objects that a member added to an exchange; the others are refused, each with its reason."""

    items: list[Item]
    refused: list[tuple[Item, Rejected]]


def add(tx: Tx, partner: Partner, collection: Collection, items: Sequence[Item]) -> Addition:
    """Add the objects that a member may add; no other member adds to the exchange until the transaction ends.

    ``created_by_ref``, if given, is the member's own identity; a member that forwards may name any identity that is not
    a partner's. Only the maker of an object adds other versions of it. An observable is added once; others may repeat
    it with the same identifying properties. The member is stored as the maker of objects that do not name it.
    """
    log.lock(tx, [collection])
    there = log.latest(tx, collection, {item.id for item in items})
    others = {id_ for id_, item in there.items() if _creator(item) != partner.identity}
    made = _Makers(tx, partner, collection, others)
    latest = now() + _SKEW
    addition, unnamed = Addition([], []), set[str]()
    for item in items:
        creator = _creator(item)
        try:
            if item.version is not None and item.version > latest:
                raise Reason.FROM_THE_FUTURE.rejected()
            _refuse_others(made, item, creator, there)
        except Rejected as refusal:
            addition.refused.append((item, refusal))
            continue
        addition.items.append(item)
        there.setdefault(item.id, item)
        if creator != partner.identity:
            made.note(item.id)
            unnamed.add(item.id)
    log.append(tx, collection, addition.items)
    makers.add(tx, collection, partner.name, unnamed)
    return addition


def is_own(tx: Tx, partner: Partner, collection: Collection, object_id: str) -> bool:
    """Return whether the member alone made an object of an exchange; also true if the exchange has no such object."""
    log.lock(tx, [collection])
    found = log.latest(tx, collection, [object_id])
    if object_id not in found:
        return True
    if (creator := _creator(found[object_id])) == partner.identity:
        return True
    return _Makers(tx, partner, collection, [object_id]).are_only(object_id, creator)


class _Makers:
    """The stored makers of objects that do not name the member, and the identities of partners."""

    def __init__(self, tx: Tx, partner: Partner, collection: Collection, ids: Iterable[str]) -> None:
        self.partner = partner
        self._tx = tx
        self._found = makers.find(tx, collection, ids)
        self._identities: frozenset[str] | None = None

    def note(self, id_: str) -> None:
        self._found.setdefault(id_, set()).add(self.partner.name)

    def are_only(self, id_: str, creator: str | None) -> bool:
        """Return whether only the member made an object; older objects that name a forwarded creator count as possibly
        its own.
        """
        stored = self._found.get(id_)
        if stored is None:
            return creator is not None and self.may_forward(creator)
        return stored == {self.partner.name}

    def may_forward(self, creator: str) -> bool:
        return self.partner.forwards and not self.is_partners(creator)

    def is_partners(self, identity: str) -> bool:
        if self._identities is None:
            self._identities = frozenset(partners.load_registry(self._tx).by_identity)
        return identity in self._identities


def _refuse_others(made: _Makers, item: Item, creator: str | None, there: Mapping[str, Item]) -> None:
    """Refuse an object in another's name, and different content for an existing one. Raises ``Rejected``."""
    own = made.partner.identity
    if item.type == "identity" and item.id != own and made.is_partners(item.id):
        raise Reason.NOT_YOURS.rejected(identity=own)
    if creator not in (None, own) and not made.may_forward(str(creator)):
        raise Reason.NOT_YOURS.rejected(identity=own)
    before = there.get(item.id)
    if before is None:
        return
    if item.version is None:
        # Any member may add an observable, and it has no versions: the stored one stays, so the new one has to be the
        # same.
        if before.body != item.body and _naming(before) != _naming(item):
            raise Reason.ANOTHER_OBSERVABLE.rejected()
    elif _creator(before) != creator or not (creator == own or made.are_only(item.id, creator)):
        raise Reason.ANOTHERS_ID.rejected()


def _naming(item: Item) -> Mapping[str, Any]:
    """Return the properties that identify an object without versions."""
    obj = msgspec.json.decode(item.body)
    names = _NAMED_BY.get(item.type)
    return obj if names is None else {name: obj.get(name) for name in names}


def _creator(item: Item) -> str | None:
    """Return the identity that an object names as its creator; a value that is not a text names none."""
    creator = msgspec.json.decode(item.body, type=_Made).created_by_ref
    return creator if creator is None or isinstance(creator, str) else ""
