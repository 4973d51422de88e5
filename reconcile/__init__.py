"""Comparison of what our ledger expects with what a provider reports: frames in, a result out.

Nothing here talks to a database, a provider or a terminal.
"""
