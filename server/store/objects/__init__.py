"""The rows of the log: how object versions are added, packed, found again and asked for."""
