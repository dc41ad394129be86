"""The failures of reading and checking what a ledger says."""


class BadFormat(ValueError):
    """A text or bytes are not of the form that they should be of."""


class BadProof(ValueError):
    """A proof, a signature or a root does not show what it should show."""
