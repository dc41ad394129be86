"""What is known to be harmless: lists by others and of our own, as data, with what each is for."""
