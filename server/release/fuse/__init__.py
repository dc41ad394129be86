"""Fusing: all reports, sightings and opinions of one value become one consensus."""
