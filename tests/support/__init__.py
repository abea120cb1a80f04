"""Small helpers that several test packages share; imported as `support` (the folder `tests` is on the path)."""
