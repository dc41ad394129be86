"""Reference data that the kinds look up: banks, payment systems, chains, platforms, stores, registers, hosts, zones."""
