"""The command line: it alone decides what the program prints, and with which status it ends."""

import gc
import sys


def main() -> None:
    """Run ``scamfeed``."""
    # Loading makes some 200,000 objects that stay. Searching them for garbage takes a third of a short command's time.
    gc.disable()
    from server.cli.program import app

    gc.freeze()
    gc.enable()
    app(args=_config_first(sys.argv[1:]), prog_name="scamfeed")


def _config_first(arguments: list[str]) -> list[str]:
    """Move ``--config F`` to the front: typer accepts an option of all commands only before the command."""
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--config" and position + 1 < len(arguments):
            return [argument, arguments[position + 1], *arguments[:position], *arguments[position + 2 :]]
        if argument.startswith("--config="):
            return [argument, *arguments[:position], *arguments[position + 1 :]]
    return arguments
