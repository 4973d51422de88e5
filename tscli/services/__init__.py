"""What the application does, one verb a function; no words, no printing, no provider by name."""
