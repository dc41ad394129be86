"""The ledger's formats and proofs, for the hub that keeps it and for whoever checks it: RFC 6962 in C2SP formats."""
