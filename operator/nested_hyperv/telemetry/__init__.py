"""Logging, metrics and health: what the operator says about itself. Knows nothing of our other packages."""
