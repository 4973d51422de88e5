"""A pretend provider with a ground truth of its own: everything can be tried without a real one.

Nothing here may know an adapter: adapters reach the world through the HTTP faces only.
"""
