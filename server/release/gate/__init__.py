"""The gate: what holds where a value is listed holds on every way out of the hub.

``leaving`` decides before something goes out; ``endings`` tells every way what ended.
"""
