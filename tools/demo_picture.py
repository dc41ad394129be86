"""Renew docs/demo.svg, the picture of what ``make demo`` prints: ``python -m tools.demo_picture``."""

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parents[1] / "docs" / "demo.svg"
_COLUMNS = 100


def picture(output: str) -> str:
    """Return the text of a terminal as a drawing that loads nothing from elsewhere."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO())
    console.print(Text(output.strip()))
    drawn = console.export_svg(title="make demo", unique_id="demo")
    # Its fonts would be fetched from a server.
    return re.sub(r"@font-face \{.*?\n +\}", "", drawn, flags=re.DOTALL)


if __name__ == "__main__":
    command = [sys.executable, "-m", "server.cli", "demo", "--once"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    PICTURE.write_text(picture(done.stdout), encoding="utf-8")
