"""One lab of a round: a port group on each kind of switch, what was done to them, and what must have come of it.

The model is the spec, and how many calls its changes may cost at most. Each change of the spec and each drift is a
*cause* of one call (on standard switches of one for each host). Beyond that only these may cost more: a write of
somebody else can let one write of ours fail, because it is fenced by the version that was read; and a disturbance
(a kill, an outage, an ended session) can swallow one call, or the answer to one, on each object. Fewer are right too:
what changes twice before the operator looks is written once. When all is quiet there is no such doubt: then each cause
is one call exactly (`Story.prove`).
"""

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

from pyVmomi import vim, vmodl

from bed.kube_lab import KubeLab
from bed.kube_object import KubeObject
from bed.waiting import wait_for
from soak.world import World, happens, within

__all__ = ["Story"]

#: Somebody who reverts the same field five times within ten minutes wins: what is done to one must stay below that.
_DRIFTS = 3
#: The same wrong value again, before the operator has seen its repair, looks as if vSphere had ignored it: what has no
#: other wrong value happens once.
_ONCE = ("forged", "drift", "drop")
_SECONDS = 90.0
_CREATE, _RECONFIGURE, _DESTROY = "CreateDVPortgroup_Task", "ReconfigureDVPortgroup_Task", "Destroy_Task"
_ADD, _UPDATE, _REMOVE = "AddPortGroup", "UpdatePortGroup", "RemovePortGroup"
_ON_HOSTS = (_ADD, _UPDATE, _REMOVE)


@dataclasses.dataclass
class Declared:
    """One of the two resources, as the user wants it."""

    object: KubeObject
    spec: dict[str, Any]
    alive: bool = False


class Story:
    """One lab; `steps` counts what happened to it alone."""

    def __init__(self, world: World, lab: KubeLab) -> None:
        self.world, self.lab, self.stranger = world, lab, world.stranger
        where = {"datacenter": lab.datacenter}
        self.distributed = Declared(
            self._object("dist"), {"distributed": {**where, "switch": "DVS0"}, "vlan": {"id": 1}}
        )
        self.standard = Declared(
            self._object("std"),
            {"standard": {**where, "vSwitch": "vSwitch0", "cluster": f"{lab.datacenter}_C0"}, "vlan": {"id": 1}},
        )
        self.steps = 0
        self.causes: Counter[str] = Counter()
        self.foreign_writes = 0
        self.began_old = not world.upgraded
        self.drifts: Counter[tuple[str, ...]] = Counter()
        self.attached = False
        self.ended_sessions = 0
        lab.calls.mark()

    def _object(self, name: str) -> KubeObject:
        return KubeObject(self.lab.api, self.lab.namespace, "nestedportgroups", name, self.lab.vsphere_name(name))

    def __str__(self) -> str:
        return self.lab.namespace

    # --- what the user does -----------------------------------------------------------------------------------------

    def declare(self, which: Declared) -> bool:
        """Create the resource, unless it is there or still going."""
        if which.alive or which.object.find() is not None:
            return False
        name = which.object.vsphere_name
        which.object.create({"name": name, "connectionRef": {"name": "vcenter"}, **which.spec})
        which.alive = True
        self._cause(which, _CREATE, _ADD)
        return True

    def edit(self, which: Declared, **spec: Any) -> bool:
        """Change the spec."""
        if not which.alive:
            return False
        which.object.patch(**spec)
        which.spec |= spec
        self._cause(which, _RECONFIGURE, _UPDATE)
        return True

    def delete(self, which: Declared) -> bool:
        """Delete the resource."""
        if not which.alive:
            return False
        which.object.delete()
        which.alive = False
        self._cause(which, _DESTROY, _REMOVE)
        return True

    def _cause(self, which: Declared, distributed: str, standard: str) -> None:
        if which is self.distributed:
            self.causes[distributed] += 1
        else:
            self.causes[standard] += len(self.world.hosts)

    def joined(self) -> None:
        """A host has come: it gets the port group, and loses it with the others."""
        if self.standard.alive:
            self.causes[_ADD] += 1
        elif self.standard.object.find() is not None:
            self.causes[_REMOVE] += 1

    def upgraded(self) -> None:
        """The switch has another policy now, which has to be written."""
        self.causes[_RECONFIGURE] += self.distributed.alive

    # --- what others do ---------------------------------------------------------------------------------------------

    @property
    def mo_ref(self) -> str | None:
        """The distributed port group, as far as status tells."""
        found = self.distributed.object.find() if self.distributed.alive else None
        return None if found is None else found.status.get("moRef")

    def drift(self, field: str) -> bool:
        """Change a field of the distributed port group."""
        ref = self.mo_ref
        if ref is None or not self._may_drift("distributed", field):
            return False
        return self._foreign(lambda: _DRIFT[field](self, ref), _RECONFIGURE)

    def destroy(self) -> bool:
        """Delete the distributed port group."""
        ref = self.mo_ref
        if ref is None or self.attached or not self._may_drift("distributed", "destroy"):
            return False
        return self._foreign(lambda: self.stranger.destroy(self.stranger.port_group(ref)), _CREATE)

    def _foreign(self, work: Callable[[], object], cause: str) -> bool:
        done = happens(work)
        self.causes[cause] += done
        self.foreign_writes += done
        return done

    def _may_drift(self, *what: str) -> bool:
        self.drifts[what] += 1
        return self.drifts[what] <= (1 if what[-1] in _ONCE else _DRIFTS)

    def _certain(self, host: str) -> bool:
        """Whether nobody can doubt that the host's port group is ours: the ledger says so."""
        found = self.standard.object.find() if self.standard.alive else None
        rows = found.status.get("hosts", ()) if found is not None else ()
        return any(row["host"] == host and row.get("claim") == "Claimed" for row in rows)

    def drift_standard(self, host: str) -> bool:
        """Change the port group of a host."""
        name = self.standard.object.vsphere_name
        if not self._certain(host) or host not in self.world.standard(name) or not self._may_drift(host, "drift"):
            return False
        done = happens(lambda: self.stranger.update_standard(host, name, allowPromiscuous=False, macChanges=True))
        self.causes[_UPDATE] += done
        return done

    def drop_standard(self, host: str) -> bool:
        """Remove the port group of a host."""
        if not self._certain(host) or not self._may_drift(host, "drop"):
            return False
        done = happens(lambda: self.stranger.remove_standard(host, self.standard.object.vsphere_name))
        self.causes[_ADD] += done
        return done

    def attach(self) -> bool:
        """Attach the machine of the lab to the distributed port group."""
        ref = self.mo_ref
        if ref is None or self.attached:
            return False
        self.attached = self._move(ref)
        return self.attached

    def detach(self) -> bool:
        """Take it off again."""
        if not self.attached:
            return False
        self.attached = not self._move(self.world.parking)
        return not self.attached

    def _move(self, group: str) -> bool:
        return happens(lambda: self.stranger.edit_nic(self.world.machines[self.lab.namespace], 0, network=group))

    def end_session(self) -> bool:
        """End the operator's session."""
        self.ended_sessions += 1
        return bool(self.world.control.kill_sessions(user=self.lab.account))

    # --- a kill between a call and what is written of it ------------------------------------------------------------

    def kill_in_task(self, vlan: int) -> bool:
        """Kill the operator while a task that it has started runs; it ends unseen."""
        if self.mo_ref is None:
            return False
        self.edit(self.distributed, vlan={"id": vlan})
        hold = self.world.control.hold(_RECONFIGURE, user=self.lab.account.name)
        self._kill_when(self.world.control.held_tasks)
        self.world.control.release(hold)
        return True

    def kill_in_creation(self) -> bool:
        """The same while it creates what somebody has deleted."""
        hold = self.world.control.hold(_CREATE, user=self.lab.account.name)
        if not self.destroy():
            self.world.control.release(hold)
            return False
        self._kill_when(self.world.control.held_tasks)
        self.world.control.release(hold)
        return True

    def kill_in_call(self, host: str, vlan: int | None) -> bool:
        """Kill it when a host has just got the port group back: the call has been made, the answer not yet been read.

        With an edit at once: the one who starts next has to know what was being created.
        """
        if not self.drop_standard(host):
            return False
        name = self.standard.object.vsphere_name
        self._kill_when(lambda: host in self.world.standard(name))
        if vlan is not None:
            self.edit(self.standard, vlan={"id": vlan})
        return True

    def _kill_when(self, condition: Callable[[], object]) -> None:
        within(3.0, condition)
        self.world.kill()

    # --- quiet ------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Take the machine off, and declare again what was deleted, so that there is something to compare."""
        if self.attached:
            assert self.detach(), "the machine cannot be taken off"
        for which in (self.distributed, self.standard):
            if not which.alive:
                which.object.wait_gone(seconds=_SECONDS)
                assert self.mine(which) == [], f"{which.object} is gone and something of it stays"
                self.declare(which)

    def mine(self, which: Declared) -> list[str]:
        """Everything in vSphere that has a name of this resource."""
        state, name = self.world.control.state(), which.object.vsphere_name
        if which is self.distributed:
            return [group.id for group in state.port_groups if group.name.startswith(name)]
        return [host.name for host in state.hosts for group in host.port_groups if group.name.startswith(name)]

    def wait_ready(self) -> None:
        """Wait until both are Ready."""
        for which in (self.distributed, self.standard):
            which.object.wait_ready(seconds=_SECONDS)

    def check(self) -> None:
        """Wait until everything is as declared; then nothing is there twice, and no call was made in vain."""
        self.wait_ready()
        wait_for(
            lambda: not self.differences(),
            f"{self} to be as declared",
            seconds=_SECONDS,
            detail=lambda: f"{self.differences()}",
        )
        ref = self.distributed.object.mo_ref
        assert self.mine(self.distributed) == [ref]
        assert sorted(self.mine(self.standard)) == sorted(self.world.hosts)
        made, most = Counter(self.lab.calls.changes()), self.most_calls()
        assert not made - most, f"{self}: calls in vain: {dict(made - most)} of {dict(made)}"

    def most_calls(self) -> Counter[str]:
        """The most calls that what happened can explain; the header of this module says why."""
        disturbed = self.world.disturbances + self.ended_sessions
        most = Counter(self.causes)
        most[_RECONFIGURE] += self.foreign_writes
        for method in most:
            most[method] += disturbed * (len(self.world.hosts) if method in _ON_HOSTS else 1)
        return most

    def differences(self) -> list[str]:
        """What is not as declared, live."""
        status = self.distributed.object.read().status
        try:
            found = self.stranger.port_group(status.get("moRef", "")).config
        except vmodl.fault.ManagedObjectNotFound:
            return ["the distributed port group is gone"]
        policy = found.defaultPortConfig.macManagementPolicy
        mode = self.distributed.spec.get("nesting", {}).get("mode", "Auto")
        if mode == "Auto":
            # Resolved once: on the switch of the moment in which it was created.
            mode = "Promiscuous" if self.began_old and status.get("mode") == "Promiscuous" else "MACLearning"
        pairs = [
            ("name", found.name, self.distributed.object.vsphere_name),
            ("vlan", found.defaultPortConfig.vlan.vlanId, self.distributed.spec["vlan"]["id"]),
            ("learning", policy.macLearningPolicy.enabled, mode == "MACLearning"),
            ("promiscuous", policy.allowPromiscuous, mode == "Promiscuous"),
            ("forged", policy.forgedTransmits, mode != "Disabled"),
            ("inherited", policy.inherited, False),
        ]
        off = self.standard.spec.get("nesting", {}).get("mode") == "Disabled"
        there = self.world.standard(self.standard.object.vsphere_name)
        for host in self.world.hosts:
            if host not in there:
                pairs.append((f"{host}", None, "there"))
                continue
            group = there[host]
            security = group.spec.policy.security
            pairs += [
                (f"{host} vlan", group.spec.vlanId, self.standard.spec["vlan"]["id"]),
                (f"{host} promiscuous", security.allowPromiscuous, not off),
                (f"{host} forged", security.forgedTransmits, not off),
                (f"{host} changes", security.macChanges, False if off else None),
            ]
        return [f"{what} is {is_} instead of {wanted}" for what, is_, wanted in pairs if is_ != wanted]

    def disturb_once(self) -> None:
        """Quiet: from here on each cause is one call exactly. Change one thing on each switch."""
        self.lab.calls.mark()
        self.stranger.set_vlan(self.distributed.object.mo_ref, 4001)
        self.stranger.update_standard(self.world.hosts[0], self.standard.object.vsphere_name, forgedTransmits=None)

    def delete_all(self) -> None:
        """Wait until that is repaired, and delete both."""
        wait_for(lambda: not self.differences(), f"{self} to be repaired", detail=lambda: str(self.differences()))
        self.delete(self.distributed)
        self.delete(self.standard)

    def prove(self) -> None:
        """Nothing is left, and it took exactly these calls."""
        for which in (self.distributed, self.standard):
            which.object.wait_gone(seconds=_SECONDS)
            assert self.mine(which) == []
        expected = {_RECONFIGURE: 1, _UPDATE: 1, _DESTROY: 1, _REMOVE: len(self.world.hosts)}
        assert self.lab.calls.changes() == expected, f"{self}: {self.lab.calls.changes()} instead of {expected}"


def _forged(story: Story, ref: str) -> None:
    if story.world.upgraded:
        story.stranger.set_policy(ref, forgedTransmits=False)
        return
    security = vim.dvs.VmwareDistributedVirtualSwitch.SecurityPolicy(
        inherited=False, forgedTransmits=vim.BoolPolicy(inherited=False, value=False)
    )
    setting = vim.dvs.VmwareDistributedVirtualSwitch.VmwarePortConfigPolicy(securityPolicy=security)
    story.stranger.reconfigure_port_group(ref, defaultPortConfig=setting)


def _rename(story: Story, ref: str) -> None:
    group = story.stranger.port_group(ref)
    story.stranger.rename(group, f"{story.distributed.object.vsphere_name}-{story.drifts.total()}")


_DRIFT: dict[str, Callable[[Story, str], object]] = {
    "vlan": lambda story, ref: story.stranger.set_vlan(ref, 3000 + story.drifts.total()),
    "forged": _forged,
    "rename": _rename,
}
