"""Reports as STIX 2.1 objects, and back."""
