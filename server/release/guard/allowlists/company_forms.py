"""Companies with their own range of register numbers: public bodies, listed companies and long-established ones."""

import re

from server.release.guard.allowlists.catalogue import AllowlistMatch, reserved_match

# By register: the numbers of public and non-profit bodies, and of companies that are too old or too closely supervised
# to be founded for a scam.
_ESTABLISHED = {
    # Public companies, state enterprises and public bodies, by their first digits (DBD).
    "TH": r"0107\d{9}|099[34]\d{9}",
    # Registered before about 1960, by royal charter, or by an Act of Parliament (Companies House).
    "GB": r"00[0-5]\d{5}|(?:RC|ZC)\d{6}|SC0[0-3]\d{4}",
    # Registered before 1980, or a public body (ACRA).
    "SG": r"19[0-7]\d{6}[A-Z]|T\d{2}G[AB]\d{4}[A-Z]",
    # Listed companies, and those of the Government of India (Ministry of Corporate Affairs).
    "IN": r"L\d{5}[A-Z]{2}\d{4}[A-Z]{3}\d{6}|[LU]\d{5}[A-Z]{2}\d{4}GOI\d{6}",
    # Public bodies (INSEE).
    "FR": r"[12]\d{8}",
    # State organs, public institutions, foundations (code of social credit).
    "CN": r"(?:1[123]|53)[0-9A-Z]{16}",
    # Bodies of the state and of its regions (National Tax Agency).
    "JP": r"\d0000[12]\d{7}",
    # Public bodies (National Tax Service).
    "KR": r"\d{3}83\d{5}",
    # Registered before about 1970 (SSM).
    "MY": r"\d{4}[A-Z]|19[4-6]\d0[1-6]\d{6}",
}
_FORMS = {register: re.compile(form) for register, form in _ESTABLISHED.items()}


def match_established_company(company: str) -> AllowlistMatch | None:
    """Match a company by the form of its number: ``TH:0107…`` is a public company."""
    register, _, number = company.partition(":")
    form = _FORMS.get(register)
    if form is None or form.fullmatch(number) is None:
        return None
    return reserved_match(
        "established-companies",
        "the number of a public body, of a listed company or of a long-established one",
        "scammers use its name and number: report the site, account or number that they use with it",
    )
