"""What partners say: reports, partners and the words they use. Knows no STIX, no SQL, no HTTP."""
