"""Strict reading of settlement exports and ledger files.

The rule: a number is read exactly or its row is rejected with line, column and reason; nothing is
rounded, guessed or dropped.
"""
