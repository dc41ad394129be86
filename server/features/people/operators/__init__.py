"""The accounts of operators."""
