"""Find the addressees of reports: the registrar and the network, by RDAP."""

from collections.abc import Callable
from typing import Any

from server.features.dispatch import outbox, records
from server.features.dispatch.records import Dispatch, State
from server.features.registries.answers import AbuseContact
from server.features.registries.names import host_of
from server.features.registries.rdap import NoAnswer, NoServer, RdapClient
from server.features.registries.resolver import NameResolver, NameState
from server.store import Store
from server.store.database.engine import Tx

_AT_ONCE = 50
_MINUTE = 60_000_000
_LONGEST_PAUSE = 6 * 60 * _MINUTE
# After so many look-ups without an answer a person has to find the addressee.
_MOST_ATTEMPTS = 8


class Addressing:
    """Looks up addressees. No transaction is open while a server is asked."""

    def __init__(self, store: Store, rdap: RdapClient, resolver: NameResolver | None) -> None:
        """Ask by these clients; without a resolver the networks of names are not known."""
        self._store = store
        self._rdap = rdap
        self._resolver = resolver

    def look_up(self, at: int, stopped: Callable[[], bool]) -> int:
        """Look up the addressees of reports that are due, and return how many were found."""
        with self._store.read() as tx:
            due = records.in_states(tx, ["lookup"], _AT_ONCE, until=at)
        found = 0
        for row in due:
            if stopped():
                break
            to = self._outcome(row, at)
            with self._store.begin(in_passing=True) as tx:
                if to.get("state") == "ready":
                    to["state"] = _state_of(tx, row, to["address"], to)
                found += records.change(tx, row, **to) and to.get("state") == "ready"
        return found

    def _outcome(self, row: Dispatch, at: int) -> dict[str, Any]:
        try:
            found = self._contact(row)
        except _NameGone:
            return {"state": "ended"}
        except NoServer:
            return {"state": "unknown"}
        except NoAnswer:
            if row.attempts + 1 >= _MOST_ATTEMPTS:
                return {"state": "unknown", "attempts": row.attempts + 1}
            pause = min(_LONGEST_PAUSE, _MINUTE << row.attempts)
            return {"next": at + pause, "attempts": row.attempts + 1}
        state = "ready" if found.address else "form" if found.form else "unknown"
        return {
            "state": state,
            "address": found.address or None,
            "organisation": found.organisation or None,
            "form": found.form or None,
            "country": found.country or None,
        }

    def _contact(self, row: Dispatch) -> AbuseContact:
        """Return the contact. Raises ``NoServer`` and ``NoAnswer``."""
        host = host_of(row.subject)
        if host is None:
            return AbuseContact()
        if row.role == "registrar":
            return self._rdap.domain(host.registered).registrar
        address = host.host if host.is_address else self._address_of(host.host)
        return self._rdap.network(address)

    def _address_of(self, name: str) -> str:
        if self._resolver is None:
            raise NoServer(name)
        found = self._resolver.resolve(name)
        if found.addresses:
            return found.addresses[0]
        if found.state is NameState.UNKNOWN:
            raise NoAnswer(name)
        raise _NameGone(name)


class _NameGone(Exception):
    """A name no longer resolves: it has no network."""


def _state_of(tx: Tx, row: Dispatch, address: str, to: dict[str, Any]) -> State:
    """Return the state of a report whose addressee is known: the same addressee gets it once."""
    if any(other.address == address and other.id != row.id for other in _others(tx, row)):
        return "same"
    known = outbox.contact(tx, address)
    if known is None or known.state == "good":
        return "ready"
    if known.state == "form":
        to["form"] = known.form or to.get("form")
        return "form"
    return "bad"


def _others(tx: Tx, row: Dispatch) -> list[Dispatch]:
    return [other for other in records.of_listing(tx, row.listing) if other.state not in ("ended", "same")]
