"""Each person chooses reminders; the links of mails work without a login, once signed, any number of times."""

import re

import pytest
from flask import Flask
from sqlalchemy import update

from schemas.errors import Rejected
from server.features.reminders import choices, outbox
from server.features.reminders.job import ReminderThread
from server.features.reminders.kinds import BY_NAME
from server.features.reminders.operations import MOST_LINKS, SetOwnReminders
from server.features.reminders.tables import mails
from server.operations.operation import Actor
from server.operations.run import run
from server.release.hub import Hub
from server.store import Store, audit
from server.store.database.times import now
from server.store.operators import users
from server.store.operators.users import OperatorRole, PartnerRole
from tests.mail_server import MailServer
from tests.operators_desk import INSTITUTION
from tests.unit.server.features.reminders.conftest import BANKER, HOUR, People, texts
from tests.unit.server.web.shell.people import visitor_of

NEW = "desk@bank.example"
OPTIONAL = {name for name, kind in BY_NAME.items() if not kind.mandatory}


def link_in(text: str, of: str) -> str:
    [found] = re.findall(rf"https://hub\.example(/mail/{of}/\S+)", text)
    return str(found)


def choose(hub: Hub, user: str, address: str) -> None:
    with hub.store.read() as tx:
        found = users.by_id(tx, user)
    assert found is not None
    run(hub, SetOwnReminders(language="en", address=address), Actor.person(found))


def test_new_address_gets_only_a_link_until_it_is_confirmed(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub, people: People, app_of_hub: Flask
) -> None:
    choose(hub, people.banker, NEW)
    reminders.step(begin + 6 * HOUR)
    [text] = texts(mail_server, NEW)
    assert "Overdue" not in text
    assert len(texts(mail_server, BANKER)) == 1
    browser = app_of_hub.test_client()
    link = link_in(text, "confirm")
    assert "Confirm the address" in browser.get(link).text
    with hub.store.read() as tx:
        assert choices.find(tx, people.banker).confirmed is None
    for _ in range(2):
        assert browser.post(link).status_code == 200
    reminders.step(begin + 7 * HOUR)
    assert len(texts(mail_server, NEW)) == 1
    reminders.step(begin + 9 * HOUR)
    assert "nobody" not in texts(mail_server, NEW)[-1]


def test_link_of_an_earlier_address_confirms_nothing(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub, people: People, app_of_hub: Flask
) -> None:
    choose(hub, people.banker, NEW)
    reminders.step(begin)
    with hub.store.begin() as tx:
        choices.store(tx, choices.find(tx, people.banker)._replace(address="other@bank.example"))
    link = link_in(texts(mail_server, NEW)[0], "confirm")
    assert app_of_hub.test_client().post(link).status_code == 404


def test_few_links_are_sent_in_a_day(hub: Hub, people: People) -> None:
    choose(hub, people.banker, NEW)
    with hub.store.begin() as tx:
        tx.execute(update(mails).values(state="sent"))
    with pytest.raises(Rejected, match="one link an hour"):
        choose(hub, people.banker, "other@bank.example")
    with hub.store.begin() as tx:
        for hours in range(1, MOST_LINKS):
            assert outbox.put(tx, people.banker, "confirm", {}, now() - hours * outbox.HOUR)
    with pytest.raises(Rejected, match="links a day"):
        choose(hub, people.banker, "other@bank.example")
    with hub.store.read() as tx:
        assert choices.find(tx, people.banker).address == NEW


@pytest.mark.parametrize("address", ["not an address", "a@b", "a@b.example\nBcc: c@d.example", "ä" * 300])
def test_bad_address_is_refused(hub: Hub, people: People, address: str) -> None:
    with pytest.raises(Rejected, match="address: "):
        choose(hub, people.banker, address)


def test_stop_link_works_without_login_and_twice(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub, people: People, app_of_hub: Flask
) -> None:
    reminders.step(begin + 6 * HOUR)
    [mail] = [mail for mail in mail_server.mails if mail["To"] == BANKER]
    link = link_in(mail.get_content(), "stop")
    assert mail["List-Unsubscribe"] == f"<https://hub.example{link}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    browser = app_of_hub.test_client()
    page = browser.get(link).text
    assert "Overdue requests to you" in page.partition("Always sent")[2]
    with hub.store.read() as tx:
        assert choices.find(tx, people.banker).off == frozenset()
    # As a mail program sends it, with no cookie and no page before.
    for _ in range(2):
        answer = browser.post(link, data={"List-Unsubscribe": "One-Click"})
        assert "The reminders are stopped" in answer.text
    with hub.store.read() as tx:
        assert choices.find(tx, people.banker).off == OPTIONAL
        stopped = [entry.event for entry in audit.tail(tx, 99) if entry.event.route == "reminders"]
    assert len(stopped) == 1
    # The mandatory ones still come.
    with hub.store.begin() as tx:
        choices.store(tx, choices.find(tx, people.banker)._replace(told=0))
    reminders.step(begin + 8 * HOUR)
    assert "- Overdue requests to you: 1" in texts(mail_server, BANKER)[-1]


@pytest.mark.parametrize("purpose", ["stop", "confirm"])
def test_forged_link_does_nothing(hub: Hub, people: People, app_of_hub: Flask, purpose: str) -> None:
    browser = app_of_hub.test_client()
    with hub.store.read() as tx:
        other = choices.sign(tx, people.operator, "stop").partition(".")[2]
    for token in (f"{people.banker}.{other}", f"{people.banker}.", people.banker, "x", "%00", "a" * 500):
        for answer in (browser.get(f"/mail/{purpose}/{token}"), browser.post(f"/mail/{purpose}/{token}")):
            assert answer.status_code in (404, 422), token
    with hub.store.read() as tx:
        assert choices.all_choices(tx) == {}


@pytest.fixture
def store(hub: Hub) -> Store:
    return hub.store


def test_person_chooses_on_the_page(app_of_hub: Flask, store: Store) -> None:
    visitor = visitor_of(app_of_hub, PartnerRole.WRITER, INSTITUTION)
    assert "You get no reminders yet" not in visitor.get("/me/reminders").text  # there is no mail at this hub
    answer = visitor.send("/me/reminders", language="th", on="request-near")
    assert answer.status_code == 303
    with store.read() as tx:
        chosen = choices.find(tx, users.get(tx, visitor.name).id)
    assert chosen.language == "th"
    assert chosen.off == {"hop-unconfirmed", "own-end", "finding-near", "finding-overdue"}
    refused = visitor.send("/me/reminders", language="en", address=NEW, on="own-end")
    assert refused.status_code == 409
    assert NEW in refused.text
    assert re.search(r'value="own-end" checked', refused.text)


def test_operators_see_the_outbox(
    app_of_hub: Flask, reminders: ReminderThread, mail_server: MailServer, begin: int
) -> None:
    mail_server.refusals[BANKER] = "450 4.2.1 busy"
    reminders.step(begin + 6 * HOUR)
    page = visitor_of(app_of_hub, OperatorRole.VIEWER).get("/console/mail").text
    assert "The mail server did not take the address now." in page
    assert "Malee" in page
    assert BANKER not in page
