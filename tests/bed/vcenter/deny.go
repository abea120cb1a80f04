package main

// deniedMethods are calls that the stock simulator answers wrongly or silently
// without effect. They answer NotImplemented until the twin models them: a client
// must never believe in a success that did nothing. "" stands for any type.
var deniedMethods = map[methodKey]string{
	{"UpdateNetworkConfig", "HostNetworkSystem"}:      "touches nothing",
	{"CustomizeVM_Task", "VirtualMachine"}:            "is never carried out",
	{"InstantClone_Task", "VirtualMachine"}:           "not modelled",
	{"AttachDisk_Task", "VirtualMachine"}:             "bypasses the rules for devices",
	{"DetachDisk_Task", "VirtualMachine"}:             "removes no device",
	{"CreateChildVM_Task", ""}:                        "bypasses the rules of CreateVM_Task",
	{"CloneVApp_Task", ""}:                            "bypasses the rules of CloneVM_Task",
	{"Destroy_Task", "VirtualApp"}:                    "destroys what is inside past the rules",
	{"UnregisterAndDestroy_Task", ""}:                 "destroys what is inside past the rules",
	{"StartProgramInGuest", "GuestProcessManager"}:    "panics without a container",
	{"CreateTask", "TaskManager"}:                     "adds the task behind the caller's back",
	{"LoginByToken", "SessionManager"}:                "not modelled",
	{"LoginExtensionByCertificate", "SessionManager"}: "not modelled",
	{"ImpersonateUser", "SessionManager"}:             "not modelled",
	{"SetTaskState", "Task"}:                          "bypasses the task's own life",
	{"SetTaskDescription", "Task"}:                    "bypasses the task's own life",
	{"UpdateProgress", "Task"}:                        "bypasses the task's own life",
}

// denied tells whether a method without a handler of ours must not reach stock code.
func denied(method, kind string) bool {
	if _, ok := deniedMethods[methodKey{method, kind}]; ok {
		return true
	}
	_, ok := deniedMethods[methodKey{method, ""}]
	return ok
}
