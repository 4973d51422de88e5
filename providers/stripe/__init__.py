"""Stripe: the official SDK over our one HTTP client, behind the provider port."""
