"""Decisions about a nested Hyper-V host: what the VM shall be, when it may be disturbed, and the plan."""
