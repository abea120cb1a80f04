package main

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What only vCenter itself, or NSX, could do to a distributed switch.

func (c *control) routeSwitches() {
	c.Route("POST /v1/switch", c.setSwitch)
	c.Route("POST /v1/portgroup", c.nsxPortgroup)
}

// distributedSwitch finds a switch by id or name.
func (t *Twin) distributedSwitch(id string) (*simulator.DistributedVirtualSwitch, error) {
	ref, err := t.object(id, "VmwareDistributedVirtualSwitch")
	if err != nil {
		return nil, err
	}
	dvs, ok := t.registry().Get(ref).(*simulator.DistributedVirtualSwitch)
	if !ok {
		return nil, bad("switch: %s is a %s", id, ref.Type)
	}
	return dvs, nil
}

// setSwitch changes a switch's version and feature: {"switch": "DVS0", "version": "6.5.0", "macLearning": false}.
// Without macLearning the version decides: supported from 6.6.0 (documented).
func (c *control) setSwitch(r *http.Request) (any, error) {
	var req struct {
		Switch      string `json:"switch"`
		Version     string `json:"version"`
		MacLearning *bool  `json:"macLearning"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	t := c.t
	t.world.Lock()
	defer t.world.Unlock()
	dvs, err := t.distributedSwitch(req.Switch)
	if err != nil {
		return nil, err
	}
	version := orDefault(req.Version, dvs.Summary.ProductInfo.Version)
	if !slices.Contains(switchVersions, version) {
		return nil, bad("version: %q is not offered here; use one of %s", version, strings.Join(switchVersions, ", "))
	}
	learning := atLeast(version, macLearningSince)
	if req.MacLearning != nil {
		learning = *req.MacLearning
	}
	setSwitchVersion(dvs, version, learning)
	t.Touch(dvs.Self)
	return nil, nil
}

// nsxPortgroup makes a port group as NSX does: {"switch": "DVS0", "name": "segment", "segmentId": "69632"}.
//
// Documented: DVPortgroupConfigInfo: backingType nsx, logicalSwitchUuid, segmentId,
// transportZone…; NSX needs a switch of 7.0.0 or later.
func (c *control) nsxPortgroup(r *http.Request) (any, error) {
	var req struct {
		Switch            string `json:"switch"`
		Name              string `json:"name"`
		SegmentID         string `json:"segmentId"`
		LogicalSwitchUUID string `json:"logicalSwitchUuid"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	t := c.t
	t.world.Lock()
	defer t.world.Unlock()
	dvs, err := t.distributedSwitch(req.Switch)
	if err != nil {
		return nil, err
	}
	if version := dvs.Summary.ProductInfo.Version; !atLeast(version, nsxSince) {
		return nil, bad("switch: %s is version %s; NSX needs %s or later", dvs.Name, version, nsxSince)
	}
	ctx := t.newContext(nil)
	folder, err := folderOf(ctx.Map, *dvs.Parent)
	if err != nil {
		return nil, err
	}
	if err := checkName(escapeName(req.Name)); err != nil {
		return nil, bad("name: %q is not 1 to %d characters long", req.Name, entityNameMax)
	}
	if holder := holderOf(ctx.Map, folder, escapeName(req.Name), types.ManagedObjectReference{}); holder != nil {
		return nil, bad("name: %q is taken by %s", req.Name, holder.Value)
	}
	pg := t.putPortgroup(ctx, dvs, folder, &types.DVPortgroupConfigSpec{
		Name: req.Name, Type: string(types.DistributedVirtualPortgroupPortgroupTypeEphemeral),
	})
	pg.Config.BackingType = string(types.DistributedVirtualPortgroupBackingTypeNsx)
	pg.Config.SegmentId = req.SegmentID
	pg.Config.LogicalSwitchUuid = orDefault(req.LogicalSwitchUUID, uuid.NewString())
	pg.Config.TransportZoneUuid, pg.Config.TransportZoneName = uuid.NewString(), "nsx-overlay-transportzone"
	t.Touch(pg.Self)
	return map[string]string{"id": pg.Self.Value, "logicalSwitchUuid": pg.Config.LogicalSwitchUuid}, nil
}
