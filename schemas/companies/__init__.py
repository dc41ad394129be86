"""Companies by the registers that list them: whose numbers are known, and how a number is written."""
