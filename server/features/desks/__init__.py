"""How a person sees the desks: the columns of their tables, kept in the browser."""
