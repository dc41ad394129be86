"""``scamfeed partner link``, ``unlink`` and ``register``: an organisation that is a member of several hubs."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from server.cli.acting import WouldDo, acting
from server.cli.context import By, Json, PartnerName, fail, registered, show_json, show_properties, show_rows
from server.features.federation.members import linking, registers
from server.features.federation.members.operations import LinkPartner, LinkPublicList, SetRegisterNumber, UnlinkPartner
from server.release.key_files import BadKeyFile, read_secret
from server.store.database.times import stamp

REVEALS = (
    "Hubs with this secret learn which values the organisation reported at several of them. Other hubs learn nothing: "
    "the token differs for each value. Give the secret only to hubs where the organisation is a member."
)
_HINT = ": the organisation creates the secret once, with openssl rand -hex 32, and uses it at each of its hubs"


def link(
    ctx: typer.Context,
    name: PartnerName,
    secret_file: Annotated[
        Path | None, typer.Option(help="a file with the secret of the organisation, the same at each of its hubs")
    ] = None,
    public_list: Annotated[
        str | None, typer.Option(help="the public list that the partner passes on, as urlhaus; it counts once")
    ] = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Link the organisation of a partner, so that it counts once, however many hubs it reports to.

    Hubs with the same secret learn which values the organisation reported at several of them.
    """
    if (secret_file is None) == (public_list is None):
        fail("give --secret-file with the organisation's secret, or --public-list with the name of a list")
    try:
        secret = None if secret_file is None else SecretStr(read_secret(secret_file, _HINT))
    except BadKeyFile as error:
        fail(f"--secret-file: {error}")
    refused = "--secret-file: " if secret is not None else "--public-list: "
    with acting(ctx, by, dry_run=dry_run, json=json, refused=refused) as act:
        partner = registered(act.hub, name)
        if secret is not None:
            act.run(LinkPartner(partner=partner, secret=secret))
        else:
            act.run(LinkPublicList(partner=partner, public_list=public_list or ""))
        with act.hub.store.read() as tx:
            found = linking.find(tx, registered(act.hub, name).counts_as)
    since = None if found is None else stamp(found.created)
    shown = {"partner": name, "linked": since, "reveals": REVEALS}
    if json:
        show_json(shown)
    else:
        show_properties("Linked", shown, json=False)


def unlink(ctx: typer.Context, name: PartnerName, by: By = None, dry_run: WouldDo = False) -> None:
    """End the link of a partner's organisation; other hubs then count it as another organisation."""
    with acting(ctx, by, dry_run=dry_run) as act:
        act.run(UnlinkPartner(partner=registered(act.hub, name)))


def register(
    ctx: typer.Context,
    name: PartnerName,
    number: Annotated[
        list[str] | None,
        typer.Argument(help="numbers of the organisation with their registers, such as GB:00000006 or LEI:…"),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="the numbers are no longer its own")] = False,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Register numbers of an organisation, by which hubs find their common members; without numbers, list them."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        partner = registered(act.hub, name)
        operations = [SetRegisterNumber(partner=partner, number=each, removes=remove) for each in number or ()]
        if dry_run:
            act.show_dry_run(operations)
        for operation in operations:
            act.run(operation)
        with act.hub.store.read() as tx:
            found = registers.numbers_of(tx, partner.counts_as)
    show_rows("Register numbers", [{"number": each} for each in found], ["number"], json=json)


def extend(app: typer.Typer) -> None:
    """Add these commands to ``scamfeed partner``."""
    for command in (link, unlink, register):
        app.command()(command)
