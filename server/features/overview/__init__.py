"""The first pages: the front page for everybody, the overview for operators, and the work that waits for a partner."""
