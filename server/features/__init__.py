"""The features of a hub: a folder each, with the operations that change it."""
