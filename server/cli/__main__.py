"""``python -m server.cli`` is ``scamfeed``."""

from server.cli import main

main()
