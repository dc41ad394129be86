"""Questions to the reporters of a listing, and their answers: neither side is told who the other is."""
