"""Decisions about a port group: what it shall be, and the plan that makes it so."""
