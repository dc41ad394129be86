"""Examples of values as reports write them, one file a kind: what each one becomes, or why it is refused."""
