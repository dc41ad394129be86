"""The ledger in operation: its keys, and the process that seals."""
