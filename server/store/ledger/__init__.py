"""The ledger: for each collection that is read, a Merkle tree over all that was published in it, in its order."""
