"""The JSON that the hub answers beside TAXII: look-ups, private matching, digests of sets, answers and objections."""
