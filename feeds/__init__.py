"""What comes in and goes out by itself: formats, connectors, their runs and schedule."""
