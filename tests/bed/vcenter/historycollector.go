package main

import (
	"github.com/vmware/govmomi/vim25/types"
)

// historyCollector is what the collectors of events and of tasks have in common: a
// latest page of some size, and a scrollable position.
type historyCollector interface {
	setPage(size int)
	rewind()
	reset()
	forget()
}

var (
	_ historyCollector = (*EventCollector)(nil)
	_ historyCollector = (*TaskCollector)(nil)
)

// onHistory makes a handler of what is done to a collector.
func onHistory(do func(c *Call, h historyCollector, req any) (any, error)) Handler {
	return func(c *Call, req any) (any, error) {
		h, ok := c.Session.get(c.This).(historyCollector)
		if !ok {
			return nil, notFound(c.This)
		}
		return do(c, h, req)
	}
}

// setCollectorPageSize models HistoryCollector.SetCollectorPageSize. Documented: at
// most so many items in latestPage; InvalidArgument for a number out of range.
func setCollectorPageSize(c *Call, h historyCollector, req any) (any, error) {
	size, err := pageSize(req.(*types.SetCollectorPageSize).MaxCount, defaultPage, "maxCount")
	if err != nil {
		return nil, err
	}
	h.setPage(size)
	c.Twin.Touch(c.This)
	return &types.SetCollectorPageSizeResponse{}, nil
}

// rewindCollector models HistoryCollector.RewindCollector. Documented: the position is
// the oldest item, as in a fresh collector.
func rewindCollector(_ *Call, h historyCollector, _ any) (any, error) {
	h.rewind()
	return &types.RewindCollectorResponse{}, nil
}

// resetCollector models HistoryCollector.ResetCollector. Documented: the position is
// the item immediately before the latest page.
func resetCollector(_ *Call, h historyCollector, _ any) (any, error) {
	h.reset()
	return &types.ResetCollectorResponse{}, nil
}

// destroyCollector models HistoryCollector.DestroyCollector. Documented: it is gone,
// and no longer counts.
func destroyCollector(c *Call, h historyCollector, _ any) (any, error) {
	h.forget()
	c.Session.drop(c.This)
	c.Twin.Touch(c.This)
	return &types.DestroyCollectorResponse{}, nil
}

func registerHistory(t *Twin) {
	for _, kind := range []string{"EventHistoryCollector", "TaskHistoryCollector"} {
		t.HandleMode("SetCollectorPageSize", kind, Reader, onHistory(setCollectorPageSize))
		t.HandleMode("RewindCollector", kind, Reader, onHistory(rewindCollector))
		t.HandleMode("ResetCollector", kind, Reader, onHistory(resetCollector))
		t.HandleMode("DestroyCollector", kind, Reader, onHistory(destroyCollector))
	}
}
