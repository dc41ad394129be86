"""The console: the pages for the operators of the hub."""
