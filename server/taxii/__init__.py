"""TAXII 2.1: Medallion's URL map, under our access, our pages and our errors."""

from server.taxii.mount import mount

__all__ = ["mount"]
