"""A hub with partners, served as an operator serves it: with access log, audit trail and limits."""

import uuid
from base64 import b64encode
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from benchmarks import running
from benchmarks.taxii.client import Client
from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.setup import set_up
from server.store import Store, collections, partners

# High enough to stop no partner here, but still counted.
_LIMITS = {
    "SCAMFEED_RATE_LIMIT": "1000000",
    "SCAMFEED_QUOTA_OBJECTS_PER_DAY": "1000000000",
    "SCAMFEED_ENDS_PER_DAY": "0",
    # Its partners block thousands of values in an hour.
    "SCAMFEED_BURST": "0",
}
# The processes of ``scamfeed serve`` by default.
WORKERS = 2
INBOX = "/feed/collections/inbox/objects/"
# The collection whose digest the hub keeps, as for partners with a mirror.
_READ = "takedown"


class Contributor(NamedTuple):
    """A partner that reports: its name, identity and logins."""

    name: str
    identity: str
    bearer: str
    basic: str

    def client(self, port: int, *, basic: bool = False) -> Client:
        """Connect to the server, with the token or with user and password."""
        return Client(port, authorization=self.basic if basic else self.bearer)


def furnish(url: str, names: Sequence[str], others: int = 0) -> list[Contributor]:
    """Create the hub in the database at ``url``, with these contributors and ``others`` idle partners."""
    store = Store.open(url)
    set_up(store)
    made = []
    with store.begin() as tx:
        for name in names:
            identity = ids.identity(name)
            given = partners.add(
                tx, Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=identity, vouched=True)
            )
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
            collections.grant(tx, name, collections.get(tx, _READ), read=True)
            basic = b64encode(f"{given.user}:{given.password}".encode()).decode()
            made.append(Contributor(name, identity, f"Bearer {given.token}", f"Basic {basic}"))
    for number in range(others):
        with store.begin() as tx:
            name = f"Other {number} {uuid.uuid4()}"
            partners.add(tx, Partner(name=name, kind=PartnerKind.TELECOM, identity=ids.identity(name), vouched=True))
    store.close()
    return made


def keep_digest(store: Store, client: Client) -> None:
    """Let the hub keep the digest of a collection, from a partner's request on."""
    with store.read() as tx:
        read = collections.get(tx, _READ)
    client.get(f"/api/collections/{read.id}/digest")


def serving(
    url: str, program: Sequence[str] = running.PROGRAM, keys: Path | None = None
) -> AbstractContextManager[tuple[int, int]]:
    """Run ``scamfeed serve`` with its defaults; yield its port and its process id.

    Its ledger is signed with the ``keys`` of a file, which a hub on PostgreSQL needs.
    """
    signing = {} if keys is None else {"SCAMFEED_LEDGER_KEY_FILE": str(keys)}
    return running.serving(url, program=program, settings=_LIMITS | signing)
