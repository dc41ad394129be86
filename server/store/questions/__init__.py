"""Questions to the reporters of a listing, and their answers. Neither side learns the other's identity."""
