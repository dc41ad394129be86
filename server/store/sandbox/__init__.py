"""The sandbox: each partner's private rehearsal with synthetic listings, what its client did, and its certificate."""
