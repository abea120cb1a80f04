"""The rules of vSphere that this project relies on, as a table that can be run: against the twin or a real vCenter."""
