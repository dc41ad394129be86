"""Requests between institutions: who may ask whom, which steps there are, who reads them, and what they hold."""
