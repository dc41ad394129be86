"""``scamfeed audit``: check the chains of the audit trail, and export them to a file that others can check."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import orjson
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas import timestamp
from schemas.tlog.audit_chain import (
    FORMAT,
    LONGEST_LINE,
    BadTrail,
    ChainHead,
    CheckedTrail,
    check,
    heads_statement,
    signed_heads,
)
from schemas.tlog.signatures import BadSignature, SigningKeys, public_keys_of
from server.cli.context import (
    By,
    Context,
    Json,
    actor,
    fail,
    keys_of,
    opened_privately,
    show_json,
    show_properties,
    show_table,
)
from server.features.trail.operations import ExportTrail
from server.features.trail.recorder import seal_all, verify_all
from server.operations.run import run
from server.store import Tx, audit, hub_identity
from server.store.audit import BrokenChain

app = typer.Typer(
    name="audit", help="Check and export the audit trail, which is stored in chains of hashes.", no_args_is_help=True
)

_BROKEN = 1

KeyOption = Annotated[
    Path | None, typer.Option(help="file with the hub's public keys in PEM; one of them must have signed")
]


@app.command("verify")
def verify(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Option(help="check this exported trail instead of the store")] = None,
    since: Annotated[Path | None, typer.Option(help="an earlier export, which the chains must continue")] = None,
    key: KeyOption = None,
    json: Json = False,
) -> None:
    """Recompute every chain, and name the first altered entry of each.

    Exit with status 1 if the trail was altered. Somebody with access to the store could rewrite all of it: --since
    detects that, with an export that was stored elsewhere.
    """
    trusted = _trusted(key)
    earlier = {} if since is None else _heads_of(since, trusted)
    if file is not None:
        found = _checked(file, trusted, earlier)
        broken = [BrokenChain(*place) for place in found.broken]
        _show(found.entries, found.heads, broken, found.fault, found.signed_by, json=json)
        return
    context: Context = ctx.obj
    with context.store() as store:
        seal_all(store)
        broken = verify_all(store)
        with store.read() as tx:
            ends = audit.heads(tx)
            broken += audit.contradicted(tx, earlier)
            entries = sum(head.number - audit.beginning(tx, chain).number for chain, head in ends.items())
    _show(entries, ends, broken, None, [], json=json)


@app.command("export")
def export(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option(help="the file to write")],
    by: By = None,
    json: Json = False,
) -> None:
    """Write the whole audit trail as JSON lines, with the ends of its chains signed by the hub."""
    context: Context = ctx.obj
    keys = keys_of(context)
    with context.hub() as hub:
        run(hub, ExportTrail(), actor(by))
        seal_all(hub.store)
        with hub.store.read() as tx, opened_privately(output) as out:
            entries, chains = _write(tx, out, keys)
    result = {"file": str(output), "chains": chains, "entries": entries}
    show_properties("Exported", result, json=json)


def _write(tx: Tx, out: BinaryIO, keys: SigningKeys) -> tuple[int, int]:
    made, hub = timestamp.text(timestamp.now()), hub_identity.identity(tx)
    _line(out, {"format": FORMAT, "hub": hub, "made": made, "fields": list(audit.FIELDS)})
    heads: dict[str, ChainHead] = {}
    entries = 0
    for chain in audit.heads(tx):
        head = audit.beginning(tx, chain)
        _line(out, {"chain": chain, "begins": list(head)})
        for entry in audit.sealed_entries(tx, chain):
            values = [getattr(entry.event, name) for name in audit.FIELDS]
            _line(out, {"number": entry.number, "entry": values, "hash": entry.hash})
            head = ChainHead(entry.number, entry.hash)
            entries += 1
        heads[chain] = head
    _line(out, keys.sign(heads_statement(hub, made, heads)))
    return entries, len(heads)


def _line(out: BinaryIO, content: dict[str, Any]) -> None:
    out.write(orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE))


def _trusted(key: Path | None) -> dict[str, Ed25519PublicKey] | None:
    try:
        return None if key is None else public_keys_of(key.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        fail(f"{key}: {error}")


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as lines:
        while line := lines.readline(LONGEST_LINE):
            yield line


def _checked(file: Path, trusted: dict[str, Ed25519PublicKey] | None, earlier: dict[str, ChainHead]) -> CheckedTrail:
    try:
        return check(_lines(file), trusted, earlier)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    except BadTrail as error:
        fail(f"{file}: {error}", _BROKEN)


def _heads_of(file: Path, trusted: dict[str, Ed25519PublicKey] | None) -> dict[str, ChainHead]:
    """Return the ends of the chains in an earlier export, which are in its last line."""
    last = b""
    try:
        for line in _lines(file):
            last = line
        return signed_heads(orjson.loads(last), trusted)[0]
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    except (orjson.JSONDecodeError, BadSignature, KeyError, TypeError) as error:
        fail(f"{file}: no exported trail: {error}", _BROKEN)


def _show(
    entries: int,
    heads: dict[str, ChainHead],
    broken: list[BrokenChain],
    fault: str | None,
    signed_by: list[str],
    *,
    json: bool,
) -> None:
    is_whole = not broken and fault is None
    if json:
        named = [place._asdict() for place in broken]
        show_json(
            {
                "whole": is_whole,
                "chains": len(heads),
                "entries": entries,
                "broken": named,
                "fault": fault,
                "signed_by": signed_by,
            }
        )
    else:
        rows = [["chains", len(heads)], ["entries", entries], ["whole", is_whole]]
        rows += [[f"changed in chain {chain}", f"from entry {number:,} on"] for chain, number in broken]
        rows += [["fault", fault]] if fault else []
        rows += [["signed by key", name] for name in signed_by]
        show_table("Audit trail", ["property", "value"], rows)
    if not is_whole:
        raise typer.Exit(_BROKEN)


COMMANDS = {"audit": app}
