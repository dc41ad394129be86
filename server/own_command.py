"""The command that runs this program in another process."""

import sys


def own_command(*arguments: str) -> list[str]:
    """Return the words of ``scamfeed`` with these arguments.

    The child imports no module from the folder it runs in, where a file may have the name of one of its modules.
    """
    return [sys.executable, "-P", "-m", f"{__package__}.cli", *arguments]
