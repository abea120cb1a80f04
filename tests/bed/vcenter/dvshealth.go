package main

import (
	"reflect"
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// changeHealthChecks models UpdateDVSHealthCheckConfig_Task.
//
// Documented: DVSConfigInfo.healthCheckConfig, an entry for each kind of check that the
// switch is capable of. Inferred: kinds that the call does not name stay, and the
// switch's configVersion counts up. The checks themselves are not carried out.
func changeHealthChecks(c *Call, req any) (any, error) {
	asked := req.(*types.UpdateDVSHealthCheckConfig_Task).HealthCheckConfig
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		dvs, err := switchOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		next := cloneValue(switchConfig(dvs))
		for _, check := range asked {
			same := func(other types.BaseDVSHealthCheckConfig) bool { return reflect.TypeOf(other) == reflect.TypeOf(check) }
			at := slices.IndexFunc(next.HealthCheckConfig, same)
			if at < 0 {
				return nil, NewFault(&types.InvalidArgument{InvalidProperty: "healthCheckConfig"})
			}
			next.HealthCheckConfig[at] = cloneValue(check)
		}
		tc.commitSwitch(dvs, next, nil)
		return nil, nil
	})
	return &types.UpdateDVSHealthCheckConfig_TaskResponse{Returnval: ref}, nil
}
