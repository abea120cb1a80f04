"""The demo: a lab is applied, broken by another administrator, repaired, and deleted without a trace.

Everything in it is the real thing, as in the end-to-end tests: an API server, the vCenter twin with its SOAP API, the
operator as a process with the rights of `deploy/`. Nothing that it shows is written down beforehand: every figure is
measured and every claim is checked, and one that does not hold ends the demo with a failure.
"""
