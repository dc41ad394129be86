"""The text of a mail: numbers, deadlines and addresses of pages, in the language of the person."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import NamedTuple

from server.features.reminders.kinds import BY_NAME, for_right
from server.features.reminders.outbox import ReminderMail
from server.operations.rights import right_of
from server.settings import Settings
from server.store.operators.users import User
from server.web.shell.languages import ENGLISH, THAI, Language
from server.web.shell.words import mark

_LINES = {
    "subject": mark("Due at {title}: {number}"),
    "confirm-subject": mark("Confirm your address for reminders of {title}"),
    "greeting": mark("To {name}:"),
    "intro": mark("This waits for you at {title}. To see what it is about, open the pages and log in."),
    "line": mark("{heading}: {number}"),
    "or-more": mark("{number} or more"),
    "first": mark("the first deadline: {moment}"),
    "rate": mark("You get one such mail an hour at most, and only when something new is due."),
    "choose": mark("Choose your reminders:"),
    "stop": mark("Stop all optional reminders, without a login:"),
    "mandatory": mark("These cannot be stopped:"),
    "confirm": mark(
        "Somebody gave this address for reminders of {title}. If it was you, open this page and confirm it:"
    ),
    "ignore": mark("If it was not you, do nothing. Then no reminder is sent here."),
}


class MailPlace(NamedTuple):
    """The hub as a mail names it: its name, its address without a slash at the end, and the sender's address."""

    title: str
    root: str
    sender: str


def default_language(settings: Settings) -> str:
    """Return the language of people who chose none."""
    return THAI if settings.country == "TH" else ENGLISH


def write(
    place: MailPlace, language: Language, user: User, address: str, token: str, mail: ReminderMail
) -> EmailMessage:
    """Return a mail. Written again, it is the same, with the same Message-ID."""

    def text(line: str, **values: object) -> str:
        return language.text(_LINES[line]).format(title=place.title, **values)

    message = EmailMessage()
    message["From"] = formataddr((place.title, place.sender))
    message["To"] = address
    message["Date"] = format_datetime(datetime.fromtimestamp(mail.made / 1_000_000, UTC))
    message["Message-ID"] = f"<{mail.id}@{place.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = language.code
    if mail.purpose == "confirm":
        message["Subject"] = text("confirm-subject")
        lines = [text("confirm"), f"{place.root}/mail/confirm/{token}", "", text("ignore")]
        message.set_content("\n".join([*lines, ""]), cte="base64")
        return message
    stop = f"{place.root}/mail/stop/{token}"
    message["List-Unsubscribe"] = f"<{stop}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    found = mail.values["due"]
    message["Subject"] = text("subject", number=language.number(sum(part["count"] for part in found.values())))
    lines = [text("greeting", name=user.name), "", text("intro"), ""]
    for name, part in found.items():
        number = language.number(part["count"])
        number = text("or-more", number=number) if part["more"] else number
        lines.append(f"- {text('line', heading=language.text(BY_NAME[name].text), number=number)}")
        if part["first"]:
            lines.append(f"  {text('first', moment=language.moment(part['first']))}")
        lines += [f"  {place.root}{path}" for path in part["pages"] or [BY_NAME[name].path]]
    lines += ["", text("rate"), text("choose"), f"{place.root}/me/reminders", text("stop"), stop]
    why = {kind.text: kind.mandatory for kind in for_right(right_of(user)) if kind.mandatory}
    if why:
        lines += ["", text("mandatory")]
        lines += [f"- {language.text(heading)}. {language.text(reason)}" for heading, reason in why.items()]
    message.set_content("\n".join([*lines, ""]), cte="base64")
    return message
