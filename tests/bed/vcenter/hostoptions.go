package main

import (
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Advanced options of a host: HostSystem.configManager.advancedOption, mirrored in
// host.config.option and described by host.config.optionDef.

func registerHostOptions(t *Twin) {
	t.Handle("QueryOptions", "OptionManager", queryOptions)
	t.Handle("UpdateOptions", "OptionManager", updateOptions)
}

// hostOptions are the options that the twin's hosts have. Observed: names, defaults
// and limits as published from an ESXi 8 host. Net.ReversePathFwdCheckPromisc drops
// what comes back on another uplink of a switch in promiscuous mode.
var hostOptions = []types.OptionDef{
	longOption("Net.MaxPortRxQueueLen", 80, 1, 500),
	longOption("Net.NotifySwitch", 1, 0, 1),
	longOption("Net.ReversePathFwdCheck", 1, 0, 1),
	longOption("Net.ReversePathFwdCheckPromisc", 0, 0, 1),
	longOption("Net.TeamPolicyUpDelay", 100, 0, 1800000),
	{
		ElementDescription: optionName("Config.HostAgent.log.level"),
		OptionType:         &types.StringOption{OptionType: types.OptionType{ValueIsReadonly: types.NewBool(false)}, DefaultValue: "info"},
	},
}

func longOption(key string, value, least, most int64) types.OptionDef {
	return types.OptionDef{ElementDescription: optionName(key), OptionType: &types.LongOption{
		OptionType: types.OptionType{ValueIsReadonly: types.NewBool(false)}, Min: least, Max: most, DefaultValue: value,
	}}
}

func optionName(key string) types.ElementDescription {
	return types.ElementDescription{Description: types.Description{Label: key, Summary: key}, Key: key}
}

// adoptOptions gives a host its options, once.
func (t *Twin) adoptOptions(host *simulator.HostSystem) {
	if host.ConfigManager.AdvancedOption == nil {
		return
	}
	manager, ok := t.registry().Get(*host.ConfigManager.AdvancedOption).(*simulator.OptionManager)
	if !ok || t.inventory.standard.optionHosts[manager.Self] == host.Self {
		return
	}
	t.inventory.standard.optionHosts[manager.Self] = host.Self
	host.Config.OptionDef, host.Config.Option = cloneValue(hostOptions), nil
	for _, def := range hostOptions {
		value := &types.OptionValue{Key: def.Key}
		switch kind := def.OptionType.(type) {
		case *types.LongOption:
			value.Value = kind.DefaultValue
		case *types.StringOption:
			value.Value = kind.DefaultValue
		}
		host.Config.Option = append(host.Config.Option, value)
	}
	manager.Setting, manager.SupportedOption = host.Config.Option, host.Config.OptionDef
}

// hostOfOptions finds the host whose options a manager holds; none is vCenter's own.
func (c *Call) hostOfOptions() (*simulator.HostSystem, *simulator.OptionManager) {
	manager, _ := c.Ctx.Map.Get(c.This).(*simulator.OptionManager)
	host, ok := c.Ctx.Map.Get(c.Twin.inventory.standard.optionHosts[c.This]).(*simulator.HostSystem)
	if !ok || manager == nil {
		return nil, nil
	}
	return host, manager
}

// queryOptions models QueryOptions of a host. Documented: the option of that name;
// a name that ends with a dot is the whole subtree, no name is everything;
// InvalidName if there is no such option.
func queryOptions(c *Call, req any) (any, error) {
	host, manager := c.hostOfOptions()
	if host == nil {
		return c.CallStock(req) // vCenter's own settings
	}
	if err := hostAnswers(host); err != nil {
		return nil, err
	}
	name := req.(*types.QueryOptions).Name
	res := &types.QueryOptionsResponse{}
	for _, option := range manager.Setting {
		key := option.GetOptionValue().Key
		if name == "" || key == name || (strings.HasSuffix(name, ".") && strings.HasPrefix(key, name)) {
			res.Returnval = append(res.Returnval, option)
		}
	}
	if len(res.Returnval) == 0 {
		return nil, NewFault(&types.InvalidName{Name: name})
	}
	return cloneValue(res), nil
}

// updateOptions models UpdateOptions of a host. Documented: options are changed one
// by one, so those before a bad one stay changed; InvalidName for an option that
// does not exist, InvalidArgument for an invalid value.
func updateOptions(c *Call, req any) (any, error) {
	host, manager := c.hostOfOptions()
	if host == nil {
		return c.CallStock(req)
	}
	if err := hostAnswers(host); err != nil {
		return nil, err
	}
	c.Twin.Touch(host.Self)
	for _, change := range req.(*types.UpdateOptions).ChangedValue {
		asked := change.GetOptionValue()
		at, ok := optionAt(host.Config.OptionDef, asked.Key)
		if !ok {
			return nil, NewFault(&types.InvalidName{Name: asked.Key})
		}
		if err := checkOption(host.Config.OptionDef[at].OptionType, asked.Value); err != nil {
			return nil, err
		}
		host.Config.Option[at] = &types.OptionValue{Key: asked.Key, Value: asked.Value}
	}
	manager.Setting = host.Config.Option
	return &types.UpdateOptionsResponse{}, nil
}

func optionAt(defs []types.OptionDef, key string) (int, bool) {
	for i := range defs {
		if defs[i].Key == key {
			return i, true
		}
	}
	return 0, false
}

// checkOption validates a value. Observed (ansible issue 41212): the type has to be
// that of the option, an int is no value of a long one; the fault names no property.
func checkOption(kind types.BaseOptionType, value any) error {
	switch kind := kind.(type) {
	case *types.LongOption:
		if n, ok := value.(int64); ok && n >= kind.Min && n <= kind.Max {
			return nil
		}
	case *types.StringOption:
		if _, ok := value.(string); ok {
			return nil
		}
	}
	return invalidArgument("")
}
