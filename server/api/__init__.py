"""The JSON endpoints beside TAXII: look-ups of values, and what a partner's own copy is compared with."""
