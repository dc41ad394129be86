"""Fuse all reports, sightings and opinions of one value into one consensus."""
