"""Companies: by their number in the register that lists them, never by name alone."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.reference import company_registers
from schemas.reference.numbers import plain, refuse_spreadsheet_number

_LONGEST = 300
_OWN = re.compile(r"(LEI|[A-Z]{2}(?:-[A-Z0-9]{1,3})?):\s*(\S.*)", re.IGNORECASE)
_LABEL = re.compile(
    r"(?:(?:company|registration|registered|reg|business|corporate)\.?\s*)*(?:number|no|nr|id|code)\b\.?\s*:?\s*"
    r"|(?:lei|cin|uen|acn|abn|brn|cnpj|siren|siret|kvk|ico|ičo|krs|cvr|ogrn|rc)\b\.?\s*:?\s*"
    r"|(?:เลขทะเบียนนิติบุคคล|ทะเบียนเลขที่|เลขที่)\s*:?\s*",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(\S.{1,199}?)\s*[(\[]([^()\[\]]{2,80})[)\]]")


class Company(Kind):
    """A registered company, real or invented for a scam.

    The normal form is the register and the number in it: ``GB:00000006``, ``US-DE:1234567``, or ``LEI:`` and the legal
    entity identifier. The name is a detail and distinguishes nothing: honest companies have namesakes, and scammers
    clone names on purpose.
    """

    name: ClassVar[str] = "company"
    title: ClassVar[Mapping[str, str]] = {"en": "Company", "th": "บริษัท"}
    time_to_live: ClassVar[timedelta] = timedelta(days=365)
    columns: ClassVar[Mapping[str, str]] = {
        "company_number": "number in the register of companies, or LEI",
        "company_name": "registered name",
        "country": "ISO 3166-1 alpha-2 country of the register, with the state where states have registers (US-DE)",
    }

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return register and number, with the company's name as a detail if the report gives it."""
        text = plain(raw)
        if len(text) > _LONGEST:
            raise Rejected("company-form", "far longer than a company's name and number; give these alone")
        name = given.get("company_name", "")
        if written := plain(given.get("company_number", "")):
            name = name or (text if text != written else "")
        elif named := _NAMED.fullmatch(text):
            name, written = name or named[1], named[2]
        else:
            written = text
        refuse_spreadsheet_number(written)
        place = given.get("country", "")
        if own := _OWN.fullmatch(written):
            place, written = own[1], own[2]
        else:
            written = _LABEL.sub("", written, count=1) if _LABEL.match(written) else written
        if not any(char.isdigit() for char in written):
            raise Rejected(
                "company-number-missing",
                "a name alone is another company's too, by chance or on purpose: give the number that it is registered "
                "under, and the country",
            )
        place = company_registers.place_of(written) or place
        if not place:
            raise Rejected("country-missing", "several registers have such numbers: give the country of the register")
        place = place.upper() if place.upper() == company_registers.LEI else company_registers.checked_place(place)
        number = company_registers.checked_number(place, written)
        name = " ".join(name.split())[:200]
        return Normal(f"{place}:{number}", {"company_name": name} if name else NO_DETAILS)

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` is a number whose form belongs to one register, such as an LEI."""
        # Twenty letters and a dot may be a domain, and pass for an LEI by chance.
        return (
            len(raw) <= 40 and "." not in raw and company_registers.place_of(raw.removeprefix("LEI:")) not in ("", "CH")
        )
