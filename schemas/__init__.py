"""Reports, records, partners and their vocabularies: validated and normalised, without STIX, SQL or HTTP."""
