"""``scamfeed demo``: every step from report to retraction, on the bundled reports."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from server.cli.context import Json, show_json, show_table

# Nobody looks at the charts of a round that ends by itself.
_WEEKS_ONCE = 1


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="end after the round; exit 0 only if every step succeeded")
    ] = False,
    json: Json = False,
) -> None:
    """Run every step on real reports, in a temporary store, then serve until Ctrl-C."""
    talk = Console(stderr=json)
    talk.print(
        "Scamfeed demo: four partners report, a bank and a platform pull, a government sights, one is retracted, "
        "and a hub in another country exchanges reports."
    )
    if not once:
        talk.print(
            "The address and the logins follow within 20 seconds. Then eight weeks of history fill in, in one to two "
            "minutes on two cores, while you look around."
        )
    # Otherwise these signals would end the program at once, and leave its servers and their folder behind.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    from server.demo.round import DemoRound
    from server.demo.weeks import MOST_WEEKS

    with DemoRound(lambda step: talk.print(f"  {step} ..."), _WEEKS_ONCE if once else MOST_WEEKS) as round_:
        opened = round_.open()
        if not once:
            talk.print(f"Open {opened['page']} in a browser. Each of these logins works once:")
            for who, link in list(opened.items())[1:]:
                talk.print(f"  {who}: {link}", soft_wrap=True)
        with _bar(talk) as progress:
            result = round_.run(progress)
        if json:
            show_json(result)
        else:
            _show(result, served=not once)
        if not once:
            talk.print(f"The history is complete. The servers run at {opened['page']} until Ctrl-C.")
            with suppress(KeyboardInterrupt, SystemExit):
                signal.pause()
    failed = [name for name, held in result["held"].items() if not held]
    if failed:
        print(f"scamfeed demo: did not hold: {', '.join(failed)}", file=sys.stderr)  # noqa: T201 - errors are shown here
        raise typer.Exit(1)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """End by an exception, so that the servers are stopped on the way out."""
    raise SystemExit(128 + number)


@contextmanager
def _bar(talk: Console) -> Iterator[Callable[[int, int], None]]:
    """Yield what shows the progress of the past; a terminal shows it as a bar, a file gets no more lines for it."""
    columns = (TextColumn("  days of history"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal) as bar:
        task = bar.add_task("history", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=done < total)

        yield show


def _show(result: dict[str, Any], *, served: bool) -> None:
    reports = result["reports"]
    rows = [("read", reports["read"]), ("mapped", reports["mapped"]), ("duplicates", reports["duplicates"])]
    rows += [(f"rejected: {reason}", number) for reason, number in reports["rejected"].items()]
    show_table("Reports", ["what became of them", "rows"], rows)
    show_table("Published", ["collection", "objects"], result["published"].items())
    show_table("Exchanged over HTTP", ["what", "objects"], result["exchanged"].items())
    show_table("Held", ["step", "held"], result["held"].items())
    if served:
        show_table(
            "Where to look: the page in a browser, the rest with a TAXII client",
            ["what", "value"],
            result["try"].items(),
        )
    Console().print(f"Done in {result['seconds']:.1f} s.")


COMMANDS = {"demo": demo}
