"""Find and refuse personal data of victims and account holders in contributed texts."""
