"""The ledger: for each readable collection, a Merkle tree over all its published objects in order."""
