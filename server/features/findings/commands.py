"""``scamfeed account``: accounts reported by others, how long each waits for a finding, and the finding."""

from typing import Annotated, Any

import msgspec
import typer

from schemas.partner import Partner
from schemas.question import QuestionKind
from schemas.timestamp import moment_or_duration
from schemas.vocabulary import QualificationCode
from server.cli.acting import WouldDo, acting
from server.cli.context import By, Context, Json, fail, find_partner, show_properties, show_rows
from server.features.findings import accounts
from server.features.findings.accounts import MICROSECOND
from server.features.findings.answering import GivenAnswer
from server.features.findings.facts import facts_of
from server.features.findings.operations import ReportFindings
from server.features.questions import desk
from server.features.questions.operations import AskAboutAccount
from server.release.query import lookup
from server.store import Tx, listings
from server.store.database.times import now, stamp
from server.store.providers import kept_accounts
from server.store.providers.kept_accounts import KeptAccount

app = typer.Typer(help="Accounts that others report, and the findings of their providers.", no_args_is_help=True)

_SECOND = 1_000_000
_HOUR = 3_600 * _SECOND


@app.command(name="list")
def list_(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Option(help="only accounts of this provider")] = None,
    every: Annotated[bool, typer.Option("--all", help="also those with a finding, or no longer listed")] = False,
    limit: Annotated[int, typer.Option(min=1, help="the maximum number, the oldest first")] = 1_000,
    show_values: Annotated[bool, typer.Option("--show-values/--hide-values", help="show the values")] = True,
    json: Json = False,
) -> None:
    """List accounts that wait for a finding of their provider, and for how long."""
    context: Context = ctx.obj
    target = context.settings.answer_target // MICROSECOND
    with context.store() as store, store.read() as tx:
        name = find_partner(tx, partner, gone=True).name if partner else None
        found = kept_accounts.find(tx, name, every=every, limit=limit)
        ids = listings.find(tx, {kept.subject for kept in found})
        rows = [_row(kept, ids.get(kept.subject, {}), target, values=show_values) for kept in found]
    columns = ["keeper", "kind", *(["value"] if show_values else []), "since", "hours", "late", "code", "listing"]
    show_rows("Accounts reported by others", rows, columns, json=json)


@app.command()
def show(
    ctx: typer.Context,
    value_or_id: Annotated[str, typer.Argument(help="the value, in any spelling, or the id of its listing")],
    partner: Annotated[str | None, typer.Option(help="the provider; needed if there are several")] = None,
    json: Json = False,
) -> None:
    """Show the facts that the provider of an account may know. Facts in `withheld` are not reported, or hidden."""
    context: Context = ctx.obj
    target = context.settings.answer_target // MICROSECOND
    with context.hub() as hub, hub.store.read() as tx:
        provider, kept = _account(tx, value_or_id, partner, hub.country)
        [account] = accounts.with_listings(tx, provider, [kept], target)
        facts = facts_of(hub, tx, provider, account, target)
        asked = desk.asked_about(tx, provider, account.listing)
    row = {"keeper": provider.name, **msgspec.to_builtins(facts), "questions": msgspec.to_builtins(asked)}
    show_properties("Account", row, json=json)


@app.command()
def answer(
    ctx: typer.Context,
    value_or_id: Annotated[str, typer.Argument(help="the value, in any spelling, or the id of its listing")],
    code: Annotated[QualificationCode, typer.Option(help="the finding")],
    partner: Annotated[str | None, typer.Option(help="the provider; needed if there are several")] = None,
    note: Annotated[str | None, typer.Option(help="for the operator; it names no person")] = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Report a finding in the name of the provider. It takes effect at once, in every collection."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        with act.hub.store.read() as tx:
            subjects = _subjects(tx, value_or_id, act.hub.country)
            provider = find_partner(tx, partner or _only_provider(tx, subjects))
        of = value_or_id if value_or_id.startswith("indicator--") else frozenset(subjects)
        [result] = act.run(ReportFindings(partner=provider, findings=(GivenAnswer(of, code, note),)))
    if result.refused is not None:
        fail(result.refused.message)
    row = {
        "keeper": provider.name,
        "code": code,
        "listing": result.listing,
        "answer": result.answer,
        "by": act.actor.name,
    }
    row |= {"held": result.held} if result.held else {}
    show_properties("Answered", row, json=json)


@app.command()
def ask(
    ctx: typer.Context,
    value_or_id: Annotated[str, typer.Argument(help="the value, in any spelling, or the id of its listing")],
    kind: Annotated[QuestionKind, typer.Option(help="what is asked")],
    text: Annotated[str, typer.Option(help="further words, without personal data, links and names")] = "",
    deadline: Annotated[str, typer.Option(help="by when an answer is wanted: a time, or a duration: 3d")] = "3d",
    partner: Annotated[str | None, typer.Option(help="the provider; needed if there are several")] = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Ask the reporters of an account in the name of its provider. Neither side learns the other's name."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        with act.hub.store.read() as tx:
            provider, kept = _account(tx, value_or_id, partner, act.hub.country)
            [account] = accounts.with_listings(tx, provider, [kept], 0)
        due = moment_or_duration(deadline)
        operation = AskAboutAccount(partner=provider, listing=account.listing, kind=kind, text=text, deadline=due)
        question = act.run(operation)
    row = {"keeper": provider.name, **msgspec.to_builtins(desk.as_asked(question)), "by": act.actor.name}
    show_properties("Asked", row, json=json)


def _account(tx: Tx, value_or_id: str, partner: str | None, country: str) -> tuple[Partner, KeptAccount]:
    """Return the provider of a reported account, and the account."""
    subjects = _subjects(tx, value_or_id, country)
    provider = find_partner(tx, partner or _only_provider(tx, subjects))
    found = kept_accounts.find(tx, provider.name, every=True, values=subjects)
    present = [kept for kept in found if kept.left is None]
    if len(present) != 1:
        fail("it is no reported account of that provider: scamfeed account list shows these")
    return provider, present[0]


def _subjects(tx: Tx, value_or_id: str, country: str) -> set[str]:
    if value_or_id.startswith("indicator--"):
        return set(listings.subjects(tx, [value_or_id]).values())
    return lookup.subjects(tx, [value_or_id], country)


def _only_provider(tx: Tx, subjects: set[str]) -> str:
    names = {kept.partner for kept in kept_accounts.find(tx, every=True, values=subjects) if kept.left is None}
    if not names:
        fail("it waits for no provider's finding: scamfeed account list shows the accounts that do")
    if len(names) > 1:
        fail(f"it has several providers; choose one with --partner: {', '.join(sorted(names))}")
    return names.pop()


def _row(kept: KeptAccount, tracks: dict[str, list[str]], target: int, *, values: bool) -> dict[str, Any]:
    ended = kept.answered or kept.left or now()
    kind, _, value = kept.subject.partition(":")
    waited = max(0, ended - kept.since)
    listed = tracks.get(listings.track_of_provider(kept.partner), [])
    return {
        "keeper": kept.partner,
        "kind": kind,
        **({"value": value} if values else {}),
        "since": stamp(kept.since),
        "hours": round(waited / _HOUR, 1),
        "late": waited > target,
        "code": kept.code,
        "answered": None if kept.answered is None else stamp(kept.answered),
        "left": None if kept.left is None else stamp(kept.left),
        "listing": listed[-1] if listed else None,
    }


COMMANDS = {"account": app}
