"""The signs of life of the hub and its partners: heartbeats, verifications of pushes, and who has gone quiet."""
