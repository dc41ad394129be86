"""Commands about partners: who they are, what they may read, which values are limited to them."""
