"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from server.store.release_tables import metadata

__all__ = ["login_attempts", "metadata", "passkeys", "sessions", "users"]

# Who may log in. Nothing here opens anything by itself: passwords and links are hashed, TOTP secrets encrypted.
users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # The name as it is compared: two that look alike are one.
    Column("plain_name", Text, nullable=False, unique=True),
    # None is an operator of the hub.
    Column("partner", Text, ForeignKey("partners.name")),
    Column("role", Text, nullable=False),
    Column("password", Text),
    Column("totp", LargeBinary),
    # The last step of time whose code was taken: a code is good once.
    Column("totp_step", BigInteger, nullable=False),
    Column("wrong_codes", Integer, nullable=False),
    Column("wrong_code_at", BigInteger, nullable=False),
    # The hash of a link that sets the password, once.
    Column("link", LargeBinary, unique=True),
    Column("link_expires", BigInteger),
    # Of one who logs in by OpenID Connect: the issuer and the subject there.
    Column("subject", Text, unique=True),
    Column("created", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    # The e-mail address by which accounts of one person are known, as it is compared.
    Column("email", Text),
    # Who was shown the last link, and when.
    Column("link_shown_to", Text),
    Column("link_made", BigInteger),
    Index("ix_users_partner", "partner"),
)

# The sessions, by the hash of what their cookies hold.
sessions = Table(
    "sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("user", Text, ForeignKey("users.id"), nullable=False),
    # Whether the second factor was proven too; without it the session shows nothing.
    Column("stage", Text, nullable=False),
    # A TOTP secret that was shown, and that no code has proven yet; encrypted.
    Column("new_totp", LargeBinary),
    Column("created", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    # When the person last proved all factors.
    Column("proven", BigInteger, nullable=False),
    # What a passkey has to sign next, once.
    Column("challenge", LargeBinary),
    Index("ix_sessions_user", "user"),
    Index("ix_sessions_expires", "expires"),
)

# The passkeys of users: what is kept of each is public.
passkeys = Table(
    "passkeys",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("user", Text, ForeignKey("users.id"), nullable=False),
    # What the person calls it.
    Column("name", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    # How often it has signed, where it counts.
    Column("signatures", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger),
    Index("ix_passkeys_user", "user"),
)

# Wrong passwords that count still, by a digest of where they came from and whom they were for.
login_attempts = Table(
    "login_attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    # Each wrong one moves this on by some seconds; nothing is left of them once it is past.
    Column("until", BigInteger, nullable=False),
    Index("ix_login_attempts_until", "until"),
)
