"""Pure decisions: desired state, ownership, plan and status. No I/O, no clock, no kopf, no pyVmomi."""
