"""Bank statements of any format, read strictly into one kind of line."""
