"""Private matching from the partner's side: finds which values a hub lists, without revealing the values to it."""
