"""PayPal: Orders, Payments, Vault and Transaction Search over our one HTTP client."""
