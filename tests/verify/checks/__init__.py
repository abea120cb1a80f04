"""The checks, a module per subject. Each decorated function is one rule and takes a `verify.scratch.Scratch`."""
