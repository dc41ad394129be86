"""Commands that print figures: how far the hub's versions were read, and what partners did with them."""
