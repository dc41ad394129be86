"""What the kinds look up: chains, banks, payment systems, platforms, registers, stores, telephone plans."""
