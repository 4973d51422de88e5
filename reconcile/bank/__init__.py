"""Strict reading of bank statements: CAMT, MT940, BAI2, OFX and mapped CSV, to one kind of value.

A number is read exactly or its row is rejected with line, column and reason. What a statement
states about itself is checked and kept beside what was found; a contradiction is data.
"""
