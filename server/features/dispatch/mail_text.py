"""The text of a mail to an addressee outside the hub: English, and Thai for addressees in Thailand."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from server.features.dispatch.outbox import DispatchMail
from server.features.dispatch.records import RESPONSES, Dispatch
from server.features.dispatch.xarf_reports import xarf_of
from server.features.reminders.mail_text import MailPlace
from server.web.shell.languages import ENGLISH, THAI, Language
from server.web.shell.words import mark

_LINES = {
    "subject": mark("Abuse report {reference}: scam at {host}"),
    "subject-many": mark("Abuse report {reference}: {number} scam addresses"),
    "intro": mark("{title} lists these addresses as scams. We ask you to check them, and to act by your rules."),
    "why": mark("You get this mail because RDAP names this address as the contact for abuse."),
    "value": mark("Address: {value}"),
    "type": mark("Type of scam: {type}"),
    "confidence": mark("Confidence: {number} of 100"),
    "since": mark("Listed since: {moment}"),
    "reference": mark("Our reference: {reference}"),
    "evidence": mark("Evidence is kept by its holder. SHA-256: {hashes}"),
    "answer": mark("Answer without a login: {link}"),
    "defanged": mark(
        "The addresses above are written so that nobody opens them by mistake. The attachments have them exactly."
    ),
    "attached": mark("Each attachment is a report for your programs, in the format XARF 4 (https://xarf.org)."),
    "words": mark("You can also reply. Write one of these words on the first line: {words}"),
    "correction-subject": mark("Withdrawn: abuse report {reference}"),
    "correction": mark("We withdraw our report {reference}. {title} no longer lists the address."),
    "repeat-subject": mark("Again online: abuse report {reference}"),
    "repeat": mark("We reported an address by {reference}. It could not be found for a time, and it exists again."),
    "repeat-wish": mark("{title} still lists it as a scam. Please check it again, and act by your rules."),
    "restore": mark("If you acted on our report alone, please undo it. We are sorry for the trouble."),
}


def message_id(id_: str, sender: str) -> str:
    """Return the Message-ID of a mail by its id."""
    return f"<xarf-{id_}@{sender.rpartition('@')[2]}>"


def write(
    place: MailPlace,
    languages: Mapping[str, Language],
    mail: DispatchMail,
    rows: Sequence[Dispatch],
    tokens: Mapping[str, str],
) -> EmailMessage:
    """Return a mail. Written again, it has the same bytes. Raises ``InvalidReport``.

    ``rows`` are its reports, and ``tokens`` those of their links by id; a correction has none.
    """
    used = [languages[THAI], languages[ENGLISH]] if mail.country == "TH" else [languages[ENGLISH]]
    message = EmailMessage()
    message["From"] = formataddr((place.title, place.sender))
    message["To"] = mail.address
    message["Date"] = format_datetime(datetime.fromtimestamp(mail.made / 1_000_000, UTC))
    message["Message-ID"] = message_id(mail.id, place.sender)
    message["Auto-Submitted"] = "auto-generated"
    if mail.purpose != "report":
        _write_follow_up(message, place, used, mail, tokens)
        return message
    message["Subject"] = _subject(used[-1], mail, rows)
    lines: list[str] = []
    for language in used:
        lines += [*_report_lines(place, language, rows, tokens), "", ""]
    message.set_content("\n".join(lines).rstrip() + "\n", cte="base64")
    for row in rows:
        report = xarf_of(row, mail.made, place.title, place.sender)
        content = json.dumps(report, indent=1, ensure_ascii=False, sort_keys=True).encode()
        name = f"{row.reference}.xarf.json"
        message.add_attachment(content, maintype="application", subtype="json", filename=name)
    message["Content-Language"] = ", ".join(language.code for language in used)
    # The boundary would be another one each time.
    message.set_boundary(f"=_{mail.id}")
    return message


def defanged(value: str) -> str:
    """Return a value as people write it so that no program opens it."""
    scheme, found, rest = value.partition("://")
    if found:
        host, slash, path = rest.partition("/")
        return f"{scheme.replace('tt', 'xx')}://{host.replace('.', '[.]')}{slash}{path}"
    return value.replace(".", "[.]").replace(":", "[:]")


def _subject(language: Language, mail: DispatchMail, rows: Sequence[Dispatch]) -> str:
    if len(rows) != 1:
        number = language.number(len(rows))
        return language.text(_LINES["subject-many"]).format(reference=mail.reference, number=number)
    host = rows[0].value.partition("://")[2] or rows[0].value
    shown = defanged(host.partition("/")[0])[:150]
    return language.text(_LINES["subject"]).format(reference=mail.reference, host=shown)


def _report_lines(
    place: MailPlace, language: Language, rows: Sequence[Dispatch], tokens: Mapping[str, str]
) -> list[str]:
    def text(line: str, **values: object) -> str:
        return language.text(_LINES[line]).format(title=place.title, **values)

    lines = [text("intro"), text("why")]
    for row in rows:
        facts = row.listed
        lines += [
            "",
            text("value", value=defanged(row.value)),
            text("type", type=facts["type"]),
            text("confidence", number=language.number(facts["confidence"])),
            text("since", moment=language.moment(int(facts["since"]))),
            text("reference", reference=row.reference),
        ]
        if facts["evidence"]:
            lines.append(text("evidence", hashes=", ".join(facts["evidence"])))
        lines.append(text("answer", link=f"{place.root}/dispatch/answer/{tokens[row.id]}"))
    return [*lines, "", text("defanged"), text("attached"), text("words", words=", ".join(RESPONSES))]


def _write_follow_up(
    message: EmailMessage,
    place: MailPlace,
    used: Sequence[Language],
    mail: DispatchMail,
    tokens: Mapping[str, str],
) -> None:
    before = message_id(mail.follows or "", place.sender)
    message["In-Reply-To"] = before
    message["References"] = before
    reference = f"SF-{(mail.about or '')[:12].upper()}"
    message["Subject"] = used[-1].text(_LINES[f"{mail.purpose}-subject"]).format(reference=reference)
    named = ("correction", "restore") if mail.purpose == "correction" else ("repeat", "repeat-wish")
    links = [f"{place.root}/dispatch/answer/{token}" for token in tokens.values()]
    lines: list[str] = []
    for language in used:
        lines += [language.text(_LINES[name]).format(reference=reference, title=place.title) for name in named]
        lines += [language.text(_LINES["answer"]).format(link=link) for link in links]
        lines.append("")
    message.set_content("\n".join(lines), cte="base64")
