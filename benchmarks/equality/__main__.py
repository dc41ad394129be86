"""``python -m benchmarks.equality --other FOLDER``: this version and another one play the same histories.

FOLDER is a checkout with its own ``.venv``. All responses to steps, and everything that partners and the operator read,
have to be equal, except for random data and the moments at which rows were added. If they differ, the history is
reduced as far as possible, and shown with the differences. The exit status is then 1.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.equality import history
from tests.postgres import Postgres

_PLAYER = Path(__file__).parent / "player.py"
_HERE = Path(__file__).parents[2]
# Temporary databases, in memory so that no disk slows them down.
_QUICK = {"TMPDIR": "/dev/shm"} if Path("/dev/shm").is_dir() else {}  # noqa: S108 - a folder of its own is made in it


class Player:
    """A version of the project that plays histories one after the other."""

    def __init__(self, folder: Path, server: Postgres | None) -> None:
        self._server = server
        self._process = subprocess.Popen(
            [str(folder / ".venv/bin/python"), str(_PLAYER)],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": str(folder),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONHASHSEED": "0",
                **_QUICK,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, steps: list[history.Step], look: int) -> None:
        """Begin to play."""
        self._name = self._server.database() if self._server else ""
        url = self._server.url(self._name) if self._server else ""
        given = {"url": url, "partners": history.PARTNERS, "values": history.VALUES, "steps": steps, "look": look}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()

    def end(self) -> Any:
        """Return the responses and everything read."""
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        if self._server:
            self._server.drop(self._name)
        return told

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


class Difference(dict[str, Any]):
    """A difference between the outputs of two versions."""

    @property
    def is_order(self) -> bool:
        """Return whether only the order of objects differs, which is undefined within one transaction."""
        return bool(_sorted(self["ours"]) == _sorted(self["theirs"]))


def _sorted(told: Any) -> Any:
    """Return a response, or the pages of one, with objects sorted and without data that depends on their order."""
    if isinstance(told, str):
        with suppress(json.JSONDecodeError):
            read = json.loads(told)
            return _sorted(read) if isinstance(read, (dict, list)) else told
        return told
    if isinstance(told, dict):
        return {name: _sorted(each) for name, each in told.items() if name != "more"}
    if isinstance(told, list):
        return sorted((_sorted(each) for each in _unpaged(told)), key=lambda each: json.dumps(each, sort_keys=True))
    return told


def _unpaged(told: list[Any]) -> list[Any]:
    """Join the objects of all pages of a collection into one list."""
    if not told or not all(isinstance(page, list) and len(page) == 3 for page in told):
        return told
    pages = [json.loads(page[2]) for page in told]
    return [obj for page in pages if isinstance(page, dict) for obj in page.get("objects", [])]


def compare(players: tuple[Player, Player], steps: list[history.Step], look: int) -> list[Difference]:
    """Let both versions play, and return the differences."""
    for player in players:
        player.begin(steps, look)
    ours, theirs = (player.end() for player in players)
    return list(_differences(ours, theirs))


def _differences(ours: list[Any], theirs: list[Any]) -> Iterator[Difference]:
    if len(ours) != len(theirs):
        raised = next((told for told in (*ours, *theirs) if told[0] == "raised"), None)
        yield Difference(what="raised" if raised else "length", ours=_short(ours), theirs=_short(theirs))
        return
    for here, there in zip(ours, theirs, strict=True):
        if here == there:
            continue
        if here[0] != "seen" or there[0] != "seen":
            yield Difference(what=f"{here[0]} {here[1]}", ours=here[2], theirs=there[2])
            continue
        for what in sorted({*here[2], *there[2]}):
            one, other = here[2].get(what), there[2].get(what)
            if one != other:
                yield Difference(what=f"after step {here[1]}: {what}", ours=one, theirs=other)


def _short(told: list[Any]) -> Any:
    return told[0][2] if told and told[0][0] == "raised" else len(told)


def smaller(players: tuple[Player, Player], steps: list[history.Step]) -> list[history.Step]:
    """Remove steps, and objects of steps, while a difference remains."""
    size = len(steps) // 2
    while size >= 1:
        start = 0
        while start < len(steps):
            fewer = [*steps[:start], *steps[start + size :]]
            if fewer and _differs(players, fewer):
                steps = fewer
            else:
                start += size
        size //= 2
    for number, step in enumerate(steps):
        objects = step.get("objects", [])
        for obj in list(objects):
            fewer_objects = [each for each in objects if each is not obj]
            tried = [*steps[:number], {**step, "objects": fewer_objects}, *steps[number + 1 :]]
            if fewer_objects and _differs(players, tried):
                steps, step, objects = tried, tried[number], fewer_objects
    return steps


def _differs(players: tuple[Player, Player], steps: list[history.Step]) -> bool:
    return any(not each.is_order for each in compare(players, steps, len(steps)))


def _shown(found: list[Difference]) -> str:
    lines = [f"{len(found)} differences: " + "; ".join(each["what"] for each in found[:12])]
    for each in found[:3]:
        lines += [each["what"], *_told(each["ours"], each["theirs"])]
    return "\n".join(lines)


def _told(ours: Any, theirs: Any) -> list[str]:
    here, there = json.dumps(ours, ensure_ascii=False), json.dumps(theirs, ensure_ascii=False)
    place = next((at for at, pair in enumerate(zip(here, there, strict=False)) if pair[0] != pair[1]), 0)
    begin = max(0, place - 300)
    return [f"  this:  …{here[begin : place + 500]}", f"  other: …{there[begin : place + 500]}"]


def main() -> None:
    """Compare the versions given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.equality")
    parser.add_argument("--other", type=Path, required=True, help="a checkout of another version, with its .venv")
    parser.add_argument("--this", type=Path, default=_HERE, help="a checkout to use instead of this one")
    parser.add_argument("--seeds", default="1-20", help="which histories: 1-20")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--look", type=int, default=30, help="read everything after this many steps, and at the end")
    parser.add_argument("--postgresql", action="store_true", help="this version on PostgreSQL, the other on SQLite")
    parser.add_argument("--keep", action="store_true", help="do not reduce histories")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    server = Postgres() if options.postgresql else None
    failed = 0
    try:
        if server is not None:
            server.start()
        players = (Player(options.this, server), Player(options.other, None))
        for seed in range(int(first), int(last or first) + 1):
            steps = history.drawn(seed, options.steps)
            found = compare(players, steps, options.look)
            ordered = [each for each in found if each.is_order]
            found = [each for each in found if not each.is_order]
            words = f"the same, but for the order of objects in {len(ordered)} answers" if ordered else "the same"
            print(f"history {seed}: {_shown(found) if found else words}", flush=True)
            if found:
                failed += 1
                if not options.keep:
                    least = smaller(players, steps)
                    print(f"smallest history, of {len(least)} steps:", flush=True)
                    for step in least:
                        print("  ", json.dumps(step, ensure_ascii=False))
                    print(_shown(compare(players, least, len(least))), flush=True)
        for player in players:
            player.close()
    finally:
        if server is not None:
            server.remove()
    if failed:
        sys.exit(f"{failed} histories differ")


if __name__ == "__main__":
    main()
