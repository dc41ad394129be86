"""The sandbox: a script of synthetic listings, played to one partner, and the rules by which its client passes."""
