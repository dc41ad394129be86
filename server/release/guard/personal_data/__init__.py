"""Personal data of victims and holders: found in contributed texts, and refused."""
