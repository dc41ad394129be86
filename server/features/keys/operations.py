"""Renew and drop the hub's signing keys."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from server.operations.operation import ExternalAct
from server.operations.rights import COMMANDS
from server.release.hub import Hub
from server.release.key_files import write_secret


class RenewKey(ExternalAct):
    """Put a new signing key into the key file; it and the keys before it sign from now on."""

    name: ClassVar[str] = "key renew"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "RENEW"
    what: ClassVar[str] = "signing-key"

    file: Path = Field(description="the file of the signing keys")
    keys: str = Field(repr=False, description="the new content of the file: the new key, and the keys before it")

    def finish(self, hub: Hub) -> None:
        """Replace the file."""
        write_secret(self.file, self.keys)


class DropKey(ExternalAct):
    """Remove an old signing key from the key file; its earlier signatures can still be checked."""

    name: ClassVar[str] = "key drop"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "DROP"
    what: ClassVar[str] = "signing-key"

    file: Path = Field(description="the file of the signing keys")
    keys: str = Field(repr=False, description="the new content of the file: the keys that stay")

    def finish(self, hub: Hub) -> None:
        """Replace the file."""
        write_secret(self.file, self.keys)
