"""The rows of the log: adding, packing, finding and querying object versions."""
