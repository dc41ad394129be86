"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED

__all__ = ["former_identities", "login_attempts", "metadata", "passkeys", "sessions", "users"]

# The persons who may log in. Nothing here grants access by itself: passwords and links are hashed, TOTP secrets
# encrypted.
users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True, info=CLEANED),
    Column("name", Text, nullable=False, info=CLEANED),
    # The normalised name. Names that look alike have the same one.
    Column("plain_name", Text, nullable=False, unique=True, info=CLEANED),
    # NULL for an operator of the hub.
    Column("partner", Text, ForeignKey("partners.name"), info=CLEANED),
    Column("role", Text, nullable=False, info=CLEANED),
    Column("password", Text, info=CLEANED),
    Column("totp", LargeBinary, info=CLEANED),
    # The last time step whose code was accepted. Each code works once.
    Column("totp_step", BigInteger, nullable=False),
    Column("wrong_codes", Integer, nullable=False),
    Column("wrong_code_at", BigInteger, nullable=False),
    # The hash of a link that sets the password, once.
    Column("link", LargeBinary, unique=True, info=CLEANED),
    Column("link_expires", BigInteger),
    # For users of OpenID Connect: the issuer and the subject there.
    Column("subject", Text, unique=True, info=CLEANED),
    Column("created", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False, info=CLEANED),
    # The normalised e-mail address, which identifies the accounts of one person.
    Column("email", Text, info=CLEANED),
    # The person to whom the last link was shown, and the time.
    Column("link_shown_to", Text, info=CLEANED),
    Column("link_made", BigInteger),
    Index("ix_users_partner", "partner"),
)

# The sessions, by the hash of their cookies' secrets; and the forms that were sent in them (``sent_forms``).
sessions = Table(
    "sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True, info=CLEANED),
    Column("user", Text, ForeignKey("users.id"), nullable=False, info=CLEANED),
    # Whether the second factor was verified too. Without it the session shows nothing. "form" for a sent form.
    Column("stage", Text, nullable=False, info=CLEANED),
    # A TOTP secret that was shown but not yet verified by a code; encrypted.
    Column("new_totp", LargeBinary, info=CLEANED),
    Column("created", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    # When the person last verified all factors.
    Column("proven", BigInteger, nullable=False),
    # The challenge that a passkey has to sign next, once; the encrypted answer to a sent form.
    Column("challenge", LargeBinary, info=CLEANED),
    Index("ix_sessions_user", "user"),
    Index("ix_sessions_expires", "expires"),
)

# The passkeys of users. The stored data is public.
passkeys = Table(
    "passkeys",
    metadata,
    Column("id", LargeBinary, primary_key=True, info=CLEANED),
    Column("user", Text, ForeignKey("users.id"), nullable=False, info=CLEANED),
    # The name given by the person.
    Column("name", Text, nullable=False, info=CLEANED),
    Column("public_key", LargeBinary, nullable=False, info=CLEANED),
    # Its signature counter, if it has one.
    Column("signatures", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger),
    Index("ix_passkeys_user", "user"),
)

# Wrong passwords that still count, by a digest of their source address and user name.
login_attempts = Table(
    "login_attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True, info=CLEANED),
    # Each wrong password advances this by some seconds. The row is obsolete once it is past.
    Column("until", BigInteger, nullable=False),
    Index("ix_login_attempts_until", "until"),
)

# Identities of accounts before an address changed, or the account was removed: only digests of addresses and subjects.
former_identities = Table(
    "former_identities",
    metadata,
    Column("id", Text, primary_key=True, info=CLEANED),
    Column("account", Text, nullable=False, info=CLEANED),
    Column("plain_name", Text, nullable=False, info=CLEANED),
    Column("address", LargeBinary, info=CLEANED),
    Column("subject", LargeBinary, info=CLEANED),
    Column("until", BigInteger, nullable=False),
    Index("ix_former_identities_until", "until"),
)
