"""The actions that take two persons: what each of them does, and how it is carried out."""
