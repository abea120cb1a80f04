"""The demo: a lab on real parts, broken by another administrator, repaired by the operator, taken down without a trace."""
