"""Grant and revoke rights to collections, issue and name credentials, and register client certificates."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import AfterValidator, Field

from schemas.api.credentials import LONGEST_PURPOSE
from schemas.partner import Partner
from schemas.text import checked_line
from server.features.partners import grants, membership, possession
from server.features.partners.access import changes as partner_access
from server.features.partners.grants import CollectionRights
from server.features.partners.issue import IssueAccess
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ADMINS, PARTNER_ADMINS, PROGRAMS
from server.release.hub import Hub
from server.store import hub_identity, partners
from server.store.credentials import Credentials
from server.store.database.engine import Tx

# A wrong password of any partner takes as long as a comparison with this number of passwords.
MOST_CREDENTIALS = 5
MOST_CERTIFICATES = 20
# What a credential is for, such as the name of a program. It is no secret.
Purpose = Annotated[str, AfterValidator(checked_line), Field(max_length=LONGEST_PURPOSE)]
_PURPOSE: Any = Field("", description="what it is for, such as the name of a program; not the name of a person")


class TooMany(ValueError):
    """The partner has the maximum number of credentials or certificates."""


class UnknownCredential(LookupError):
    """The partner has no such valid credential or certificate."""


class UnknownCertificate(LookupError):
    """The partner has no such certificate."""


class GrantRights(Operation[None]):
    """Grant a partner rights to collections, from its next request on."""

    name: ClassVar[str] = "partner grant"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "GRANT"
    what: ClassVar[str] = "partner"

    partner: Partner = Field(description="the partner")
    collections: CollectionRights = Field(description="the collections to read, to write, and to match against")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Grant the rights. Raises the errors of ``grants.give``."""
        grants.give(tx, partners.get(tx, self.partner.name).name, self.collections)

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the identity of the partner."""
        return [_entry(self.verb, self.partner)]


class RevokeRights(Operation[dict[str, int]]):
    """Revoke rights of a partner to collections; the result is the number of ended receipts by collection."""

    name: ClassVar[str] = "partner revoke"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "REVOKE"
    what: ClassVar[str] = "partner"

    partner: Partner = Field(description="the partner")
    collections: CollectionRights = Field(description="the collections to read, to write, and to match against")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> dict[str, int]:
        """Revoke the rights. Raises ``UnknownPartner`` and ``UnknownCollection``."""
        return grants.revoke(tx, partners.get(tx, self.partner.name).name, self.collections)

    def entries(self, result: dict[str, int]) -> Iterable[TrailEntry]:
        """Return the entry with the identity of the partner."""
        return [_entry(self.verb, self.partner)]


class ChangedRights(NamedTuple):
    """The receipts that ended, by collection, and the verbs of the changes."""

    ended: dict[str, int]
    verbs: list[str]


class SetRights(Operation[ChangedRights]):
    """Give a partner exactly these rights to the collections that operators can grant."""

    name: ClassVar[str] = "partner rights"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "GRANT"
    what: ClassVar[str] = "partner"

    partner: Partner = Field(description="the partner")
    collections: CollectionRights = Field(description="the collections to read, to write, and to match against")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedRights:
        """Revoke and grant rights. Raises the errors of ``grants.give``."""
        name, verbs = partners.get(tx, self.partner.name).name, []
        had = grants.rights_of(tx, name)
        pairs = list(zip(map(set, had), map(set, self.collections), strict=True))
        lost = CollectionRights(*(sorted(before - after) for before, after in pairs))
        gained = CollectionRights(*(sorted(after - before) for before, after in pairs))
        ended: dict[str, int] = {}
        if any(lost):
            ended = grants.revoke(tx, name, lost)
            verbs.append("REVOKE")
        if any(gained):
            grants.give(tx, name, gained)
            verbs.append("GRANT")
        return ChangedRights(ended, verbs)

    def entries(self, result: ChangedRights) -> Iterable[TrailEntry]:
        """Return an entry for revoked rights, and one for granted rights."""
        return [_entry(verb, self.partner) for verb in result.verbs]


class RotateCredentials(IssueAccess[Credentials]):
    """Issue new credentials to a partner."""

    name: ClassVar[str] = "partner rotate"
    verb: ClassVar[str] = "ROTATE"
    what: ClassVar[str] = "partner"

    at_once: bool = Field(False, description="the old ones end at once, and not after a week")
    purpose: Purpose = _PURPOSE

    def arguments(self, partner: Partner) -> Mapping[str, Any]:
        """Return the arguments of the proposal."""
        return partner_access.for_credentials(partner, at_once=self.at_once, purpose=self.purpose)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Credentials:
        """Issue the credentials. Raises ``UnknownPartner``."""
        return membership.rotate(tx, self.find(tx), actor.name, at_once=self.at_once, purpose=self.purpose)


class RegisterCertificate(IssueAccess[str]):
    """Register a client certificate of a partner; the result is its fingerprint."""

    name: ClassVar[str] = "partner certificate"
    verb: ClassVar[str] = "CERTIFICATE"
    what: ClassVar[str] = "partner"

    certificate: str = Field(description="the certificate as PEM, or its SHA-256 fingerprint in hexadecimal")
    at_once: bool = Field(False, description="older ones end at once, and not after a week")
    purpose: Purpose = _PURPOSE

    def arguments(self, partner: Partner) -> Mapping[str, Any]:
        """Return the arguments of the proposal. Raises ``BadCertificate``."""
        return partner_access.for_certificate(partner, self.certificate, at_once=self.at_once, purpose=self.purpose)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> str:
        """Register the certificate. Raises ``UnknownPartner``, ``BadCertificate`` and ``NameTaken``."""
        return membership.set_certificate(
            tx, self.find(tx), self.certificate, actor.name, at_once=self.at_once, purpose=self.purpose
        )


class RotateOwnCredentials(Operation[Credentials]):
    """Issue new credentials to one's own partner; the old ones work for another week."""

    name: ClassVar[str] = "own credentials rotate"
    rights: ClassVar[frozenset[str]] = PARTNER_ADMINS
    verb: ClassVar[str] = "ROTATE"
    what: ClassVar[str] = "credentials"

    partner: Partner = Field(description="the partner of the user")
    purpose: Purpose = _PURPOSE

    def acts_for(self) -> str | None:
        """Return the partner of the user."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Credentials:
        """Issue the credentials. Raises ``TooMany``."""
        name = self.partner.name
        # Two users who rotate at the same time wait for each other.
        partners.lock(tx, [name])
        if len(partners.credentials_of(tx, name)) >= MOST_CREDENTIALS:
            raise TooMany(f"{MOST_CREDENTIALS} sets of credentials work already: wait until one of them ends")
        return partners.rotate(tx, name, purpose=self.purpose)

    def entries(self, result: Credentials) -> Iterable[TrailEntry]:
        """Return the entry with the partner."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name)]


class RegisterOwnCertificate(Operation[str]):
    """Register a client certificate of one's own partner, which has its key; the result is its fingerprint."""

    name: ClassVar[str] = "own certificate add"
    rights: ClassVar[frozenset[str]] = PARTNER_ADMINS
    verb: ClassVar[str] = "ADD"
    what: ClassVar[str] = "certificate"

    partner: Partner = Field(description="the partner of the user")
    certificate: str = Field(description="the certificate as PEM")
    signature: str = Field(description="a signature of the partner's statement with the key of the certificate")
    purpose: Purpose = _PURPOSE

    def acts_for(self) -> str | None:
        """Return the partner of the user."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> str:
        """Register the certificate. Raises ``NotPossessed``, ``BadCertificate``, ``NameTaken`` and ``TooMany``."""
        name = self.partner.name
        # Check the signature first: a user without the key must not learn whether the certificate is registered.
        statement = possession.statement(hub_identity.identity(tx), self.partner)
        fingerprint = possession.check(self.certificate, self.signature, statement)
        if len(partners.certificates_of(tx, name)) >= MOST_CERTIFICATES:
            raise TooMany(f"{MOST_CERTIFICATES} certificates are registered already: remove one first")
        return partners.set_certificate(tx, name, fingerprint, purpose=self.purpose)

    def entries(self, result: str) -> Iterable[TrailEntry]:
        """Return the entry with the fingerprint."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, reference=result)]


class RemoveOwnCertificate(Operation[None]):
    """Remove a client certificate of one's own partner."""

    name: ClassVar[str] = "own certificate remove"
    rights: ClassVar[frozenset[str]] = PARTNER_ADMINS
    verb: ClassVar[str] = "REMOVE"
    what: ClassVar[str] = "certificate"

    partner: Partner = Field(description="the partner of the user")
    fingerprint: str = Field(description="the SHA-256 fingerprint in hexadecimal")

    def acts_for(self) -> str | None:
        """Return the partner of the user."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Remove the certificate. Raises ``UnknownCertificate``."""
        if not partners.remove_certificate(tx, self.partner.name, self.fingerprint):
            raise UnknownCertificate(f"{self.partner.name} has no certificate {self.fingerprint}")

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the fingerprint."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, reference=self.fingerprint)]


class NameCredential(Operation[None]):
    """Say what a partner's password and token, or certificate, is for."""

    name: ClassVar[str] = "partner credential name"
    rights: ClassVar[frozenset[str]] = ADMINS | PARTNER_ADMINS | PROGRAMS
    verb: ClassVar[str] = "NAME"
    what: ClassVar[str] = "credentials"

    partner: Partner = Field(description="the partner")
    credential: str = Field(pattern="^[0-9a-f]{16}$", description="the id of the credential: 16 digits, no secret")
    purpose: Purpose = Field(description="what it is for, such as the name of a program; empty removes it")

    def acts_for(self) -> str | None:
        """Return the partner."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Store the purpose. Raises ``UnknownCredential``."""
        if not partners.name_credential(tx, self.partner.name, self.credential, self.purpose):
            raise UnknownCredential(f"{self.partner.name} has no valid credential {self.credential}")

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the id of the credential."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, reference=self.credential)]


def _entry(verb: str, partner: Partner) -> TrailEntry:
    return TrailEntry(verb, "partner", reference=partner.identity, objects=0)
