"""The HTTP receiver: webhooks in, stored before they are answered; nothing heavy at import."""
