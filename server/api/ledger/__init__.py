"""The ledger over HTTP: checkpoints, tiles, openings, proofs, cosignatures; and this hub as a witness for others."""
