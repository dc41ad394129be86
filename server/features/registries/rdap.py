"""Ask RDAP servers, within limits of time, size and pace; only servers of IANA's lists and of the operator's."""

import logging
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote

import requests

from feeds.errors import Misconfigured, TryLater
from feeds.transport.client import OutboundSettings, RequestRefused, open_session, peer_errors
from server.features.registries import bootstrap
from server.features.registries.answers import NOT_REGISTERED, AbuseContact, Registration, read_domain, read_network
from server.features.registries.bootstrap import RdapServers
from server.features.registries.pace import Pace
from server.settings import Settings
from server.store import Store

log = logging.getLogger(__name__)

_LONGEST_ANSWER = 1 << 20
_WEEK = 7 * 86_400_000_000
_NOT_FOUND = 404


class NoServer(LookupError):
    """No RDAP server is known for a name or an address."""


class NoAnswer(Exception):
    """A server gave no answer that can be read; a later question may get one."""


class RdapClient:
    """Asks about names and addresses. One client is used by one thread."""

    def __init__(self, settings: Settings, store: Store, pace: Pace) -> None:
        """Ask by the servers of ``settings`` and of the lists in ``store``."""
        self._store = store
        self._pace = pace
        self._source = settings.rdap_bootstrap
        self._own: Mapping[str, str] = settings.rdap_servers
        self._settings = OutboundSettings(
            timeout="10s",
            answer_within="20s",
            retries=0,
            max_bytes=_LONGEST_ANSWER,
            allow_private=settings.rdap_allow_private,
        )
        self._servers: RdapServers | None = None

    def refresh(self, at: int) -> None:
        """Fetch IANA's lists again if they are older than a week. The old ones stay if that fails."""
        with self._store.read() as tx:
            fetched = bootstrap.oldest(tx)
        if not self._source or (fetched and at - fetched < _WEEK):
            return
        for name in bootstrap.NAMES:
            url = f"{self._source.rstrip('/')}/{name}.json"
            try:
                settings = self._settings.model_copy(update={"max_bytes": bootstrap.LONGEST})
                with open_session(settings, url) as session, peer_errors(url):
                    answer = session.get(url)
                    answer.raise_for_status()
                    body = answer.text
            except (TryLater, Misconfigured, RequestRefused) as error:
                log.warning("rdap-servers-unread list=%s reason=%s", name, error)
                continue
            if bootstrap.is_list(body):
                with self._store.begin(in_passing=True) as tx:
                    bootstrap.store(tx, name, body, at)
            else:
                log.warning("rdap-servers-unread list=%s reason=it has another form", name)
        self._servers = None

    def domain(self, name: str) -> Registration:
        """Return the registration of a name. Raises ``NoServer`` and ``NoAnswer``."""
        server = self._known().of_domain(name)
        if server is None:
            raise NoServer(name)
        answer = self._ask(server, f"/domain/{quote(name, safe='')}")
        return NOT_REGISTERED if answer is None else read_domain(answer)

    def network(self, address: str) -> AbuseContact:
        """Return the contact of the network of an address. Raises ``NoServer`` and ``NoAnswer``."""
        server = self._known().of_address(ip_address(address))
        if server is None:
            raise NoServer(address)
        answer = self._ask(server, f"/ip/{quote(address, safe=':')}")
        return AbuseContact() if answer is None else read_network(answer)

    def _known(self) -> RdapServers:
        if self._servers is None:
            with self._store.read() as tx:
                self._servers = RdapServers(bootstrap.stored(tx), self._own)
        return self._servers

    def _ask(self, server: str, path: str) -> dict[str, Any] | None:
        """Return an answer, None if the server knows nothing. Raises ``NoAnswer``."""
        self._pace.wait(server)
        try:
            with open_session(self._settings, server) as session, peer_errors(server):
                response = session.get(server + path, headers={"Accept": "application/rdap+json"})
                if response.status_code == _NOT_FOUND:
                    return None
                response.raise_for_status()
                answer = response.json()
        except (
            TryLater,
            Misconfigured,
            RequestRefused,
            requests.RequestException,
            ValueError,
            RecursionError,
        ) as error:
            # ValueError: a number in the answer is too long to be read.
            # The path of the question names a value, so that it is in no log.
            log.warning("rdap-unanswered server=%s cause=%s", server, type(error).__name__)
            raise NoAnswer(server) from error
        if not isinstance(answer, dict):
            raise NoAnswer(server)
        return answer
