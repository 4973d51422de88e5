"""A week of a pretend shop as files: its ledger, the provider's exports, the answer key."""
