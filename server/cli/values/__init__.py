"""Commands that show what the hub has of values: look-ups, explanations, exports."""
