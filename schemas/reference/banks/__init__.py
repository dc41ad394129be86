"""Accounts at banks, country by country: how numbers are made up, and which bank a code or name means."""
