"""Update docs/demo.svg, the picture of the output of ``make demo``: ``python -m tools.demo_picture``."""

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
    """Draw the text of a terminal as a picture that loads no other resource."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO())
    console.print(Text(output.strip()))
    drawn = console.export_svg(title="make demo", unique_id="demo")
    # A browser would fetch its fonts from a server.
    return re.sub(r"@font-face \{.*?\n +\}", "", drawn, flags=re.DOTALL)


if __name__ == "__main__":
    command = [sys.executable, "-m", "server.cli", "demo", "--once"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    PICTURE.write_text(picture(done.stdout), encoding="utf-8")
