"""Evidence of reports and cases: kept encrypted, handed over on the record, and given out as one bag."""
