"""Bank accounts in STIX: ``bank-account`` (dogesec) by IBAN or by number and BIC, else ``user-account``."""

from typing import ClassVar

from mappers import ids
from mappers.kind import KindMapper, MispTerms, misp_terms_of, read_user_account, user_account
from mappers.pattern import Terms
from schemas.kind import Normal


class BankAccountMapper(KindMapper):
    """``[bank-account:iban = 'x']``, else ``[bank-account:account_number = 'n' AND bank-account:bic = 'b']``.

    The same number belongs to different people at different banks, and dogesec's rule for ids would give all of them
    one id. The id of an account without IBAN is therefore made in our own namespace, with the bank, and an account with
    an IBAN never gets an ``account_number``, which would change its id.

    The type has no property for a country's own bank code (a routing number, a sort code). An account known by such a
    code is ``[user-account:account_type = 'bank-account' AND user-account:user_id = 'US:…:…']``.
    """

    kind: ClassVar[str] = "bank-account"
    types: ClassVar[tuple[str, ...]] = ("bank-account", "user-account")
    new_sco: ClassVar[str | None] = "extension-definition--f19f3291-6a84-5674-b311-d75a925d5bd9"
    phase: ClassVar[str] = "monetization"

    def terms(self, normal: Normal) -> Terms:
        """Return the account by IBAN, by number and BIC, or by the country's code of the bank."""
        if ":" not in normal.value:
            return Terms("bank-account", {"iban": normal.value})
        _, bic, number = normal.value.split(":")
        if len(bic) != 8 or bic.isdecimal():
            return self._by_code(normal)
        return Terms("bank-account", {"account_number": number, "bic": bic})

    def normal(self, terms: Terms) -> Normal | None:
        """Return the account; its country is the one in the bank's BIC."""
        if account := read_user_account(terms):
            return Normal(account[1]) if account[0] == self.kind else None
        properties = terms.properties
        if terms.type != "bank-account":
            return None
        if "iban" in properties:
            return Normal(properties["iban"])
        if properties.keys() == {"account_number", "bic"}:
            bic = properties["bic"]
            return Normal(f"{bic[4:6]}:{bic}:{properties['account_number']}")
        return None

    def observable_id(self, terms: Terms) -> str:
        """Return the specification's id for an IBAN, else an id of number and bank in our own namespace."""
        if "account_number" in terms.properties:
            return f"{terms.type}--{ids.in_scamfeed({**terms.properties, 'type': terms.type})}"
        return super().observable_id(terms)

    def opencti(self, normal: Normal) -> Terms:
        """Return an account without IBAN as a user account: OpenCTI knows bank accounts by IBAN only."""
        if ":" not in normal.value:
            return self.terms(normal)
        return self._by_code(normal)

    def misp(self, normal: Normal) -> MispTerms | None:
        """Return an account number with letters as a user account: MISP's own type allows digits only."""
        terms = self.terms(normal)
        digits = terms.properties.get("account_number", "0").isdecimal()
        return misp_terms_of(terms if digits else self._by_code(normal))

    def _by_code(self, normal: Normal) -> Terms:
        return user_account(self.kind, normal.value)
