"""Examples of values as reports write them, one file a kind, each with its normal form or refusal."""
