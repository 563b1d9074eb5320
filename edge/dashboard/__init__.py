"""The page on the local network."""
