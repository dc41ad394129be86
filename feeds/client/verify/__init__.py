"""The reader's side of a hub's ledger: read its logs, follow their heads, and check objects against them."""
