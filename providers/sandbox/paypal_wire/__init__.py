"""PayPal's wire over the world: what each call reads, does and shows.

Shapes and routes only; what may happen to money is decided in `truth`.
"""
