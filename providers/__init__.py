"""Everything foreign: one folder per provider, all behind the port of `domain.provider`."""
