"""Programs of a partner: its mirror, private matching, the verification of a hub's log, and the doctor."""
