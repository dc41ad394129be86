"""The transparency log (RFC 6962 in C2SP formats): notes, trees and proofs, and the signatures of a hub."""


class BadFormat(ValueError):
    """A text or bytes are not of the form that they should be of."""


class BadProof(ValueError):
    """A proof, a signature or a root does not show what it should show."""
