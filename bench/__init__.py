"""Figures of speed and size, measured on the real parts: `make bench`.

Nothing here passes or fails by a time. What counts are ratios to a plain pyVmomi program in the same run, and counts.
"""
