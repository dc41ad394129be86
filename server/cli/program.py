"""The program: all commands, gathered from the files beside this one."""

import logging
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from server.cli.client.check import check
from server.cli.client.doctor import doctor
from server.cli.client.match import match
from server.cli.client.mirror import app as mirror
from server.cli.client.verify import verify
from server.cli.context import Context
from server.cli.decisions.accounts import app as account
from server.cli.decisions.erasures import app as erasure, erase
from server.cli.decisions.objections import app as objection
from server.cli.decisions.proposals import app as proposal
from server.cli.decisions.questions import ask, questions
from server.cli.decisions.referrals import app as referral
from server.cli.decisions.requests import app as request
from server.cli.decisions.retract import retract
from server.cli.decisions.reviews import app as review
from server.cli.demo import demo
from server.cli.feeds.feed import app as feed
from server.cli.figures.outcomes import outcomes
from server.cli.figures.quality import quality
from server.cli.figures.receipts import receipts
from server.cli.figures.trends import trends
from server.cli.hub.allowlist_entries import app as allowlist
from server.cli.hub.allowlists import app as lists
from server.cli.hub.audit import app as audit
from server.cli.hub.key import app as key
from server.cli.hub.policy import app as policy
from server.cli.hub.serve import init, serve
from server.cli.hub.status import status
from server.cli.partners.collections import app as collection
from server.cli.partners.partner import app as partner
from server.cli.partners.sandbox import app as sandbox
from server.cli.people.operators import app as operator
from server.cli.people.partner_users import app as partner_user
from server.cli.proof.evidence import app as evidence
from server.cli.proof.log import app as log
from server.cli.proof.notice import app as notice
from server.cli.proof.witness import app as witness
from server.cli.reports.cluster import map_cluster
from server.cli.reports.map import contribute, map_
from server.cli.values.explain import explain
from server.cli.values.export import export
from server.cli.values.lookup import lookup

app = typer.Typer(
    name="scamfeed",
    help="Share scam indicators: STIX 2.1 over TAXII 2.1, in from reports, out to platforms, banks and governments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"scamfeed {version('scamfeed')}")  # noqa: T201 - the option's answer
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="configuration file; scamfeed.toml in this folder where not given")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="print the version and end", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It warns of each look that begins while the last one goes on.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # It warns of each repeat with the whole URL, where secrets may be; how the run ended is logged without.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    ctx.obj = Context(config)


app.command("demo")(demo)
app.command("init")(init)
app.command("serve")(serve)
app.command("map")(map_)
app.command("map-cluster")(map_cluster)
app.command("contribute")(contribute)
partner.add_typer(partner_user, name="user")
app.add_typer(partner, name="partner")
app.add_typer(operator, name="operator")
app.add_typer(collection, name="collection")
app.add_typer(sandbox, name="sandbox")
app.add_typer(policy, name="policy")
app.command("export")(export)
app.command("retract")(retract)
app.add_typer(feed, name="feed")
app.command("lookup")(lookup)
app.command("explain")(explain)
app.add_typer(mirror, name="mirror")
app.command("check")(check)
app.command("doctor")(doctor)
app.command("match")(match)
app.command("verify")(verify)
app.add_typer(review, name="review")
app.add_typer(account, name="account")
app.add_typer(request, name="request")
app.add_typer(proposal, name="proposal")
app.add_typer(objection, name="objection")
app.add_typer(referral, name="referral")
app.command("erase")(erase)
app.add_typer(erasure, name="erasure")
app.add_typer(lists, name="lists")
app.add_typer(allowlist, name="allowlist")
app.add_typer(audit, name="audit")
app.add_typer(key, name="key")
app.add_typer(notice, name="notice")
app.add_typer(log, name="log")
app.add_typer(witness, name="witness")
app.add_typer(evidence, name="evidence")
app.command("receipts")(receipts)
app.command("outcomes")(outcomes)
app.command("ask")(ask)
app.command("questions")(questions)
app.command("trends")(trends)
app.command("quality")(quality)
app.command("status")(status)
