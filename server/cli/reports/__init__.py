"""Commands that read reports from files: to STIX, or into the hub."""
