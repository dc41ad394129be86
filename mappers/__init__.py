"""Reports and records as STIX 2.1 objects, and STIX objects read as reports and records."""
