"""The pages for people: the public, partners and operators, in Thai and English."""
