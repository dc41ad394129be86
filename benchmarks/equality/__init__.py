"""Two versions of the project play the same history: every partner has to read the same from both."""
