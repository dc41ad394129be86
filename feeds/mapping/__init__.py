"""Mapping: rows of files to STIX objects, in batches, to files or into an inbox."""
