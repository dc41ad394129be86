"""``python -m benchmarks.release.threads serve …``: run the program with threads that the system knows by their names.

``/proc`` then has the processor time of each sort of work; see ``costs``.
"""

import threading
from pathlib import Path
from typing import Any


def main() -> None:
    """Run the program of the command line."""
    run = threading.Thread.run

    def named(thread: threading.Thread, *arguments: Any) -> None:
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(thread.name)
        run(thread, *arguments)

    threading.Thread.run = named  # type: ignore[method-assign]
    from server.cli import main as program

    program()


if __name__ == "__main__":
    main()
