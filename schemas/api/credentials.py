"""The JSON of a partner's credentials: ids, times and purposes, and no secret."""

from typing import Annotated, Literal

import msgspec

LONGEST_PURPOSE = 60


class CredentialPurpose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The purpose of a credential, such as the name of a program; empty removes it."""

    purpose: Annotated[str, msgspec.Meta(max_length=LONGEST_PURPOSE)]


class PartnerCredential(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A password with its token, or a client certificate; without ``expires`` valid until replaced."""

    id: str
    by: Literal["password-and-token", "certificate"]
    purpose: str
    issued: str
    expires: str | None = None
    last_read: str | None = None


class PartnerCredentials(msgspec.Struct, frozen=True):
    """The valid credentials of the partner, the newest of each kind first."""

    credentials: list[PartnerCredential]
