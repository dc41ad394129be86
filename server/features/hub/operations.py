"""Create the hub's store, save a backup of it, restore one, and move it to another database."""

from typing import ClassVar

from server.operations.operation import ExternalAct
from server.operations.rights import COMMANDS


class InitialiseHub(ExternalAct):
    """Create or migrate the store, the hub's identity and the default collections."""

    name: ClassVar[str] = "init"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "INIT"
    what: ClassVar[str] = "hub"


class BackUpHub(ExternalAct):
    """Save the database, the key files, the configuration and stored evidence into a folder."""

    name: ClassVar[str] = "backup"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "BACKUP"
    what: ClassVar[str] = "hub"


class RestoreHub(ExternalAct):
    """Restore a backup where there is no store yet."""

    name: ClassVar[str] = "restore"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "RESTORE"
    what: ClassVar[str] = "hub"


class MoveHub(ExternalAct):
    """Move everything from the SQLite store into an empty PostgreSQL database."""

    name: ClassVar[str] = "move"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "MOVE"
    what: ClassVar[str] = "hub"
