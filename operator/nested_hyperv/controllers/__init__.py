"""The glue of each kind: observe, plan, execute, and one outcome for the work queue."""
