"""Outcomes: the readers' actions on listings, as far as the contributors learn of them."""
