"""The trade itself: immutable values and pure functions, standard library only."""
