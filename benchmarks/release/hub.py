"""A hub with partners, served as its operator would serve it: access log, audit trail and limits are on."""

import uuid
from base64 import b64encode
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from benchmarks import running
from benchmarks.taxii.client import Client
from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.setup import set_up
from server.store import Store, collections, partners

# High enough to stop nobody here, and kept account of all the same.
_LIMITS = {"SCAMFEED_RATE_LIMIT": "1000000", "SCAMFEED_QUOTA_OBJECTS_PER_DAY": "1000000000"}
INBOX = "/feed/collections/inbox/objects/"


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
    """Make the hub of the database at ``url``, with these contributors and so many partners more that say nothing."""
    store = Store.open(url)
    set_up(store)
    made = []
    with store.begin() as tx:
        for name in names:
            identity = ids.identity(name)
            given = partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=identity))
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
            basic = b64encode(f"{given.user}:{given.password}".encode()).decode()
            made.append(Contributor(name, identity, f"Bearer {given.token}", f"Basic {basic}"))
    for number in range(others):
        with store.begin() as tx:
            name = f"Other {number} {uuid.uuid4()}"
            partners.add(tx, Partner(name=name, kind=PartnerKind.TELECOM, identity=ids.identity(name)))
    store.close()
    return made


def serving(url: str, program: Sequence[str] = running.PROGRAM) -> AbstractContextManager[tuple[int, int]]:
    """Run ``scamfeed serve`` with its defaults; yields its port and its process id."""
    return running.serving(url, program=program, settings=_LIMITS)
