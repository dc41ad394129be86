"""The providers of values: which of them may see each report of a value, and report a finding on it."""

from collections.abc import Iterable

from schemas.fields import Sharing
from schemas.partner import Partner, institution_keys, institution_kind, provider_keys
from server.store.partners import Registry

_NOBODY: frozenset[str] = frozenset()


class ProviderIndex:
    """The partners with institutions, by the keys of these; a hub without such partners skips the look-up."""

    def __init__(self, partners: Iterable[Partner], gone: Iterable[Partner] = ()) -> None:
        """Index these partners, and those that were providers until they left."""
        partners = list(partners)
        self._names: dict[str, set[str]] = {}
        self._answering: dict[str, set[str]] = {}
        self._kinds: set[str] = set()
        for partner in partners:
            self._add(partner, partner.institutions, self._names)
        for partner in (*partners, *gone):
            self._add(partner, (*partner.institutions, *partner.former_institutions), self._answering)

    def of(self, subject: str) -> frozenset[str]:
        """Return the names of the value's providers: mostly one, or none."""
        return self._among(self._names, subject)

    def answered_by(self, subject: str) -> frozenset[str]:
        """Return the names of the partners whose findings on a value count: its present and its former providers.

        A holder cleared by a bank stays cleared after the bank leaves or its accounts move to another.
        """
        return self._among(self._answering, subject)

    def _add(self, partner: Partner, institutions: Iterable[str], names: dict[str, set[str]]) -> None:
        for institution in institutions:
            self._kinds.add(institution_kind(institution))
            for key in institution_keys(institution):
                names.setdefault(key, set()).add(partner.name)

    def _among(self, names: dict[str, set[str]], subject: str) -> frozenset[str]:
        if not self._kinds:
            return _NOBODY
        kind, _, value = subject.partition(":")
        if kind not in self._kinds:
            return _NOBODY
        return _NOBODY.union(*(names[key] for key in provider_keys(kind, value) if key in names))


def excludes(limits: Sharing | None, name: str, registry: Registry) -> bool:
    """Return whether a contributor's limits exclude that partner, or an unknown partner."""
    if limits is None or not limits.not_to_partners:
        return False
    named = frozenset(limits.not_to_partners)
    return not named.isdisjoint(registry.names[name]) or not registry.called.issuperset(named)
