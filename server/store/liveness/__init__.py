"""Whether the hub and its partners are alive: heartbeats, verifications of pushes, and who has gone quiet."""
