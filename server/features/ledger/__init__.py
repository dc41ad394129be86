"""The ledger of a hub: its keys, its witnesses, and the logs of other hubs that it cosigns."""
