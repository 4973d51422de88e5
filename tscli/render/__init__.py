"""What people and machines see: results on stdout, talk on stderr; the only place that prints."""
