"""The producers of objects in exchanges: collections that members write directly."""
