"""Another administrator of the vCenter, who changes things behind the operator's back, over the real API.

Everything goes through pyVmomi as a user of its own and so through every rule of vSphere; nothing is reached by the
back door. Each method returns when vCenter says that it is done.
"""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from types import TracebackType
from typing import Any, Self

from pyVmomi import vim

from bed.soap import connect, find, moid, result_of
from bed.twin import ALICE, Login, Twin

__all__ = ["Stranger"]


class Stranger:
    """Somebody logged in to a twin; a context manager."""

    def __init__(self, twin: Twin, user: Login = ALICE) -> None:
        self._connection = connect(twin, user)
        self.instance: Any = None

    def __enter__(self) -> Self:
        self.instance = self._connection.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.__exit__(kind, error, trace)

    # --- objects ---------------------------------------------------------------------------------------------------

    def vm(self, mo_ref: str) -> Any:
        """A virtual machine by its id."""
        return vim.VirtualMachine(mo_ref, self.instance._stub)  # noqa: SLF001 - how pyVmomi resolves an id

    def port_group(self, mo_ref: str) -> Any:
        """A distributed port group by its id."""
        return vim.dvs.DistributedVirtualPortgroup(mo_ref, self.instance._stub)  # noqa: SLF001

    def find(self, kind: Any, name: str) -> Any:
        """An object by its name."""
        return find(self.instance, kind, name)

    def find_switch(self, datacenter: str) -> str:
        """The id of the distributed switch of a datacenter."""
        children = self.find(vim.Datacenter, datacenter).networkFolder.childEntity
        return moid(next(each for each in children if isinstance(each, vim.DistributedVirtualSwitch)))

    # --- hosts -------------------------------------------------------------------------------------------------------

    def esx(self, name: str) -> Any:
        """A host by its name."""
        return self.find(vim.HostSystem, name)

    def standard_group(self, host: str, name: str) -> Any | None:
        """The port group of a name on the standard switches of a host."""
        groups = self.esx(host).config.network.portgroup
        return next((group for group in groups if group.spec.name == name), None)

    def update_standard(self, host: str, name: str, **security: bool | None) -> None:
        """Call UpdatePortGroup with other security settings."""
        group = self.standard_group(host, name)
        assert group is not None
        spec = group.spec
        for field, value in security.items():
            setattr(spec.policy.security, field, value)
        self.esx(host).configManager.networkSystem.UpdatePortGroup(name, spec)

    def remove_standard(self, host: str, name: str) -> None:
        """Call RemovePortGroup."""
        self.esx(host).configManager.networkSystem.RemovePortGroup(name)

    # --- virtual machines --------------------------------------------------------------------------------------------

    def reconfigure_vm(self, mo_ref: str, **fields: Any) -> None:
        """Call ReconfigVM_Task with these fields of the spec."""
        result_of(self.vm(mo_ref).ReconfigVM_Task(vim.vm.ConfigSpec(**fields)))

    def edit_nic(self, mo_ref: str, index: int, operation: str = "edit", **fields: Any) -> None:
        """Change (or `remove`) a NIC: `network` is the id of a port group, other fields are those of the device."""
        nics = [
            device
            for device in self.vm(mo_ref).config.hardware.device
            if isinstance(device, vim.vm.device.VirtualEthernetCard)
        ]
        device = nics[index]
        if "network" in fields:
            group = self.port_group(fields.pop("network"))
            port = vim.dvs.PortConnection(portgroupKey=group.key, switchUuid=group.config.distributedVirtualSwitch.uuid)
            device.backing = vim.vm.device.VirtualEthernetCard.DistributedVirtualPortBackingInfo(port=port)
        for name, value in fields.items():
            setattr(device.connectable, name, value)
        change = vim.vm.device.VirtualDeviceSpec(operation=operation, device=device)
        self.reconfigure_vm(mo_ref, deviceChange=[change])

    def power(self, mo_ref: str, *, on: bool) -> None:
        """Power a machine on or (hard) off."""
        vm = self.vm(mo_ref)
        result_of(vm.PowerOnVM_Task() if on else vm.PowerOffVM_Task())

    def clone(self, mo_ref: str, name: str) -> str:
        """Clone a machine beside itself; returns the clone's id."""
        vm = self.vm(mo_ref)
        spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(), powerOn=False, template=False)
        return moid(result_of(vm.CloneVM_Task(folder=vm.parent, name=name, spec=spec)))

    # --- port groups -------------------------------------------------------------------------------------------------

    def reconfigure_port_group(self, mo_ref: str, **fields: Any) -> None:
        """Call ReconfigureDVPortgroup_Task with these fields of the spec."""
        group = self.port_group(mo_ref)
        spec = vim.dvs.DistributedVirtualPortgroup.ConfigSpec(configVersion=group.config.configVersion, **fields)
        result_of(group.ReconfigureDVPortgroup_Task(spec))

    def set_policy(self, mo_ref: str, *, learning: dict[str, Any] | None = None, **fields: Any) -> None:
        """Change the MAC management policy of a port group as a client does that keeps the rest of it."""
        policy = self.port_group(mo_ref).config.defaultPortConfig.macManagementPolicy
        policy.inherited = False
        for name, value in (learning or {}).items():
            setattr(policy.macLearningPolicy, name, value)
        for name, value in fields.items():
            setattr(policy, name, value)
        setting = vim.dvs.VmwareDistributedVirtualSwitch.VmwarePortConfigPolicy(macManagementPolicy=policy)
        self.reconfigure_port_group(mo_ref, defaultPortConfig=setting)

    def set_legacy_policy(self, mo_ref: str, *, promiscuous: bool, forged: bool, mac_changes: bool) -> None:
        """Write the legacy security policy of a port group, as a client does that knows no other."""
        flags = {"allowPromiscuous": promiscuous, "forgedTransmits": forged, "macChanges": mac_changes}
        policies = {name: vim.BoolPolicy(inherited=False, value=value) for name, value in flags.items()}
        dvs = vim.dvs.VmwareDistributedVirtualSwitch
        setting = dvs.VmwarePortConfigPolicy(securityPolicy=dvs.SecurityPolicy(inherited=False, **policies))
        self.reconfigure_port_group(mo_ref, defaultPortConfig=setting)

    def set_vlan(self, mo_ref: str, vlan: int) -> None:
        """Change the VLAN id of a port group."""
        spec = vim.dvs.VmwareDistributedVirtualSwitch.VlanIdSpec(vlanId=vlan, inherited=False)
        setting = vim.dvs.VmwareDistributedVirtualSwitch.VmwarePortConfigPolicy(vlan=spec)
        self.reconfigure_port_group(mo_ref, defaultPortConfig=setting)

    def allow_overrides(self, mo_ref: str) -> None:
        """Let single ports of a port group have policies of their own."""
        policy = self.port_group(mo_ref).config.policy
        policy.macManagementOverrideAllowed = policy.securityPolicyOverrideAllowed = policy.vlanOverrideAllowed = True
        policy.blockOverrideAllowed = True
        self.reconfigure_port_group(mo_ref, policy=policy)

    def port_of(self, mo_ref: str, vm: str) -> Any:
        """The first port of a port group that a machine is connected to."""
        group = self.port_group(mo_ref)
        criteria = vim.dvs.PortCriteria(portgroupKey=[group.key], inside=True, connected=True)
        ports = group.config.distributedVirtualSwitch.FetchDVPorts(criteria)
        return next(port for port in ports if moid(port.connectee.connectedEntity) == vm)

    def override_port(self, mo_ref: str, vm: str, **policies: Any) -> str:
        """Give the port of a machine these policies of its own; returns the key of the port."""
        port = self.port_of(mo_ref, vm)
        setting = vim.dvs.VmwareDistributedVirtualSwitch.VmwarePortConfigPolicy(**policies)
        spec = vim.dvs.DistributedVirtualPort.ConfigSpec(
            operation="edit", key=port.key, configVersion=port.config.configVersion, setting=setting
        )
        result_of(self.port_group(mo_ref).config.distributedVirtualSwitch.ReconfigureDVPort_Task([spec]))
        return str(port.key)

    def stop_learning_on_port(self, mo_ref: str, vm: str) -> str:
        """Give the port of a machine a policy of its own that does not learn; returns the key of the port."""
        policy = self.port_of(mo_ref, vm).config.setting.macManagementPolicy
        policy.inherited = policy.macLearningPolicy.inherited = False
        policy.macLearningPolicy.enabled = False
        return self.override_port(mo_ref, vm, macManagementPolicy=policy)

    def reset_port(self, mo_ref: str, vm: str) -> None:
        """Have the port of a machine inherit the policies again that a test has changed."""
        dvs = vim.dvs.VmwareDistributedVirtualSwitch
        self.override_port(
            mo_ref,
            vm,
            macManagementPolicy=dvs.MacManagementPolicy(inherited=True),
            vlan=dvs.VlanIdSpec(vlanId=0, inherited=True),
            blocked=vim.BoolPolicy(inherited=True),
        )

    def vlan(self, mo_ref: str) -> int:
        """The VLAN id of a port group, live."""
        found: int = self.port_group(mo_ref).config.defaultPortConfig.vlan.vlanId
        return found

    def create_port_group(self, switch: str, name: str) -> str:
        """Create a port group on a switch, which is named by its id; returns the port group's id."""
        dvs = vim.dvs.VmwareDistributedVirtualSwitch(switch, self.instance._stub)  # noqa: SLF001
        spec = vim.dvs.DistributedVirtualPortgroup.ConfigSpec(name=name, type="earlyBinding", numPorts=8)
        return moid(result_of(dvs.CreateDVPortgroup_Task(spec)))

    # --- both --------------------------------------------------------------------------------------------------------

    def rename(self, target: Any, name: str) -> None:
        """Rename an object."""
        result_of(target.Rename_Task(name))

    def destroy(self, target: Any) -> None:
        """Destroy an object."""
        result_of(target.Destroy_Task())
