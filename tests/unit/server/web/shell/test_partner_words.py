"""A partner's pages have words for each status and settings for each client of the guide, without secrets."""

import re
from pathlib import Path

from schemas.vocabulary import FINDINGS, QualificationCode
from server.features.findings.words import ANSWERS, eases
from server.features.partners.client_help import ConnectionPlace, clients

PLACE = ConnectionPlace("https://hub.example", "O'Brien & Sons", "takedown", "plain-id", "full-id")


def test_every_status_has_words() -> None:
    assert ANSWERS.keys() == set(QualificationCode)
    assert {code for code in ANSWERS if eases(code)} == {
        code for code, effect in FINDINGS.items() if effect.opinion in ("disagree", "strongly-disagree") or effect.ends
    }


def test_every_client_of_the_guide_has_its_settings() -> None:
    guide = Path("docs/clients.md").read_text(encoding="utf-8")
    table = guide[guide.index("| client | how |") :]
    named = {
        re.split(r" \d| \(", row)[0] for row in re.findall(r"^\| ([^|]+?) \|", table.partition("\n\n")[0], re.MULTILINE)
    }
    known = {client.name for client in clients(PLACE)}
    assert named - {"client", "---"} <= known


def test_settings_escape_the_partner_name_and_use_a_suitable_collection() -> None:
    by_name = {client.name: client for client in clients(PLACE)}
    assert "-u 'O'\"'\"'Brien & Sons:PASSWORD'" in by_name["curl"].text
    assert "/collections/plain-id/" in by_name["taxii2-client"].text
    compile(by_name["taxii2-client"].text, "client", "exec")
    assert ("Collection", "full-id") in by_name["OpenCTI"].settings
    without_full = {client.name: client for client in clients(PLACE._replace(full=""))}
    assert ("Collection", "plain-id") in without_full["OpenCTI"].settings
