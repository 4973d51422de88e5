"""Builders: results become documents, one function for each report."""
