"""The sandbox: each partner's private rehearsal with synthetic listings, its client's actions, and its certificate."""
