"""Private matching from the partner's side: which values a hub lists, without telling it the values."""
