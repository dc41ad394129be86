"""What all tests share."""

from hypothesis import settings

# How long an example takes says more about the machine than about the code; benchmarks measure time.
settings.register_profile("scamfeed", deadline=None)
settings.load_profile("scamfeed")
