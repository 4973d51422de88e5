"""Reports: results become frozen report data, and report data becomes documents of any format."""
