"""How Stripe's HTTP API looks: forms, parameters, shapes, errors, pages and routes over the truth.

Nothing here decides about money: a route reads words, calls one rule, shapes the result.
"""
