"""The partners that keep values: which of them may hear of each report of a value, and answer for it."""

from collections.abc import Iterable

from schemas.keeper import keeper, keys_of, kind_of
from schemas.partner import Partner
from schemas.sharing import Sharing
from server.store.partners import Registry

_NOBODY: frozenset[str] = frozenset()


class KeeperIndex:
    """The partners with institutions, by the keys of these; a hub without any has nothing to look up."""

    def __init__(self, partners: Iterable[Partner], gone: Iterable[Partner] = ()) -> None:
        """Index these partners, and those that kept values until they left."""
        partners = list(partners)
        self._names: dict[str, set[str]] = {}
        self._answering: dict[str, set[str]] = {}
        self._kinds: set[str] = set()
        for partner in partners:
            self._add(partner, partner.institutions, self._names)
        for partner in (*partners, *gone):
            self._add(partner, (*partner.institutions, *partner.former_institutions), self._answering)

    def of(self, subject: str) -> frozenset[str]:
        """Return the names of the partners that keep a value: mostly one, or none."""
        return self._among(self._names, subject)

    def answered_by(self, subject: str) -> frozenset[str]:
        """Return the names of those whose answers about a value count: who keeps it, and who did before.

        That a bank takes part no more, or that another has its accounts now, makes nobody guilty whom it cleared.
        """
        return self._among(self._answering, subject)

    def _add(self, partner: Partner, institutions: Iterable[str], names: dict[str, set[str]]) -> None:
        for institution in institutions:
            self._kinds.add(kind_of(institution))
            for key in keys_of(institution):
                names.setdefault(key, set()).add(partner.name)

    def _among(self, names: dict[str, set[str]], subject: str) -> frozenset[str]:
        if not self._kinds:
            return _NOBODY
        kind, _, value = subject.partition(":")
        if kind not in self._kinds:
            return _NOBODY
        return _NOBODY.union(*(names[key] for key in keeper(kind, value) if key in names))


def excludes(limits: Sharing | None, name: str, registry: Registry) -> bool:
    """Return whether a contributor's limits name that partner, or a partner that is not known, not to be told."""
    if limits is None or not limits.not_to_partners:
        return False
    named = frozenset(limits.not_to_partners)
    return not named.isdisjoint(registry.names[name]) or not registry.called.issuperset(named)
