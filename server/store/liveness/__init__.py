"""Signs of life of the hub and its partners: heartbeats, verifications of pushes, and silences."""
