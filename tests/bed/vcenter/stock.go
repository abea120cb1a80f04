package main

import (
	"fmt"
	"log"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// This file is the only door to the stock simulator's own methods. The idea: a
// stock method runs to its very end, the tasks it starts included, while the
// world stays locked. So stock goroutines never race with readers, a panic in
// one is caught, and its object locks cannot stay held.

// stockDeadline bounds a stock task; nothing in the simulator takes this long.
const stockDeadline = 30 * time.Second

// stockRun collects the tasks that one stock method call started.
type stockRun struct {
	mu       sync.Mutex
	tasks    []*simulator.Task
	panicked bool
}

func (s *stockRun) notePanic() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.panicked = true
}

func (s *stockRun) add(task *simulator.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = append(s.tasks, task)
}

func (s *stockRun) at(i int) *simulator.Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i < len(s.tasks) {
		return s.tasks[i]
	}
	return nil
}

// adoptStockTask makes a task that stock code is about to start panic safe.
func (t *Twin) adoptStockTask(task *simulator.Task) {
	run := t.stockRun.Load()
	if run == nil || task.Execute == nil {
		return
	}
	execute := task.Execute
	task.Execute = func(task *simulator.Task) (res types.AnyType, fault types.BaseMethodFault) {
		defer func() {
			if r := recover(); r != nil {
				log.Printf("twin: panic in stock task %s: %v\n%s", task.Info.DescriptionId, r, debug.Stack())
				run.notePanic()
				res, fault = nil, &types.SystemError{Reason: fmt.Sprint(r)}
			}
		}()
		return execute(task)
	}
	run.add(task)
}

// CallStock runs a stock method as an inner implementation. The world must be
// held for writing (it is, in handlers and task bodies). For a *_Task method the
// result is the task's result and the inner task leaves no trace.
func (c *Call) CallStock(req any) (any, error) {
	t := c.Twin
	run := &stockRun{}
	if !t.stockRun.CompareAndSwap(nil, run) {
		return nil, fmt.Errorf("%T: a stock method is running already", req)
	}
	defer t.stockRun.Store(nil)
	// Inner tasks are an implementation detail: keep them out of recentTask.
	manager := c.Ctx.Map.Get(*t.content().TaskManager).(*simulator.TaskManager)
	c.Ctx.Map.RemoveHandler(manager)
	defer c.Ctx.Map.AddHandler(manager)

	body, err := c.invoke(req)
	defer func() { t.takeStockEvents(c.User, c.chain) }()
	defer func() {
		if run.panicked {
			t.dropStockLocks()
		}
	}()
	for i := 0; ; i++ {
		task := run.at(i)
		if task == nil {
			break
		}
		if !t.await(task) {
			run.notePanic()
			return nil, systemError(fmt.Sprintf("stock task %s does not end", task.Info.DescriptionId))
		}
	}
	defer func() {
		for _, task := range run.tasks {
			c.Ctx.Map.Remove(c.Ctx, task.Self)
		}
	}()
	if err != nil {
		return nil, err
	}
	if f := body.Fault(); f != nil {
		fault, _ := f.Detail.Fault.(types.BaseMethodFault)
		if fault == nil {
			return nil, systemError(f.String)
		}
		return nil, &Fault{VimFault: fault}
	}
	res := reflect.ValueOf(body).Elem().FieldByName("Res").Interface()
	if !strings.HasSuffix(requestName(req), "_Task") {
		return res, nil
	}
	ref := reflect.ValueOf(res).Elem().FieldByName("Returnval").Interface().(types.ManagedObjectReference)
	task, ok := c.Ctx.Map.Get(ref).(*simulator.Task)
	if !ok {
		return nil, fmt.Errorf("%s returned %s, which is no task", requestName(req), ref)
	}
	if e := task.Info.Error; e != nil {
		return nil, &Fault{VimFault: e.Fault}
	}
	return task.Info.Result, nil
}

// invoke calls the stock Go method for a request, with its panic caught.
func (c *Call) invoke(req any) (body soap.HasFault, err error) {
	this := reflect.ValueOf(req).Elem().FieldByName("This").Interface().(types.ManagedObjectReference)
	target := c.Ctx.Session.Get(this)
	if target == nil {
		return nil, notFound(this)
	}
	name := requestName(req)
	goName := strings.ToUpper(name[:1]) + name[1:]
	goName = strings.Replace(goName, "_Task", "Task", 1)
	method := reflect.ValueOf(target).MethodByName(goName)
	if !method.IsValid() {
		return nil, notModelled(name, this)
	}
	args := []reflect.Value{reflect.ValueOf(req)}
	if method.Type().NumIn() == 2 {
		args = []reflect.Value{reflect.ValueOf(c.Ctx), args[0]}
	}
	defer func() {
		if r := recover(); r != nil {
			log.Printf("twin: panic in stock %s on %s: %v\n%s", name, this, r, debug.Stack())
			c.Twin.stockRun.Load().notePanic()
			body, err = nil, systemError(fmt.Sprintf("%s panicked: %v", name, r))
		}
	}()
	c.Ctx.WithLock(target, func() {
		body = method.Call(args)[0].Interface().(soap.HasFault)
	})
	return body, nil
}

// await waits for a stock task to end, reading it under the simulator's own lock.
func (t *Twin) await(task *simulator.Task) bool {
	deadline := time.Now().Add(stockDeadline)
	for {
		done := false
		t.registry().WithLock(&simulator.Context{}, task, func() {
			s := task.Info.State
			done = s == types.TaskInfoStateSuccess || s == types.TaskInfoStateError
		})
		if done {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// stockHandler serves a method that only the stock simulator knows. A *_Task
// method gets a task of ours, so that user, texts, latency and holds are the same for all.
func stockHandler(c *Call, req any) (any, error) {
	if err := c.hostSide(); err != nil {
		return nil, err
	}
	// Documented: ManagedObjectNotFound is also for an argument. Stock code dereferences nil instead.
	for _, ref := range morefs(req) {
		if !c.Twin.exists(c.Session, ref) {
			return nil, notFound(ref)
		}
	}
	if !strings.HasSuffix(c.Method, "_Task") {
		return c.CallStock(req)
	}
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(*TaskContext) (any, error) {
		res, err := c.CallStock(req)
		c.Twin.Touch(morefs(req)...)
		c.Twin.completeHosts(morefs(res)...)
		return res, err
	})
	return &taskStarted{Returnval: ref, method: c.Method}, nil
}

// taskStarted is the <Method>Response of any *_Task method.
type taskStarted struct {
	Returnval types.ManagedObjectReference `xml:"returnval"`
	method    string
}

// ResponseName names the element that the encoder writes.
func (r *taskStarted) ResponseName() string { return r.method + "Response" }

// requestName is the SOAP method of a request object.
func requestName(req any) string {
	return strings.TrimSuffix(reflect.TypeOf(req).Elem().Name(), "RequestType")
}

// dropStockLocks forgets all object locks of the stock registry. Registry.WithLock
// unlocks without defer, so a panic leaves locks held for ever; since the world is
// ours and no other stock code runs, throwing the table away is safe.
func (t *Twin) dropStockLocks() {
	field := reflect.ValueOf(t.registry()).Elem().FieldByName("locks")
	// The field is unexported; its address is taken because govmomi offers no other way.
	locks := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
	locks.Set(reflect.MakeMap(locks.Type()))
}

// newContext is a stock context bound to a session.
func (t *Twin) newContext(s *Session) *simulator.Context {
	ctx := *t.service.Context
	ctx.Caller = nil
	ctx.Session = &simulator.Session{Registry: simulator.NewRegistry(), Map: t.registry()}
	if s != nil {
		ctx.Session.UserSession, ctx.Session.Registry = s.public(), s.stock
	}
	return &ctx
}

var _ mo.Reference = (*registryHook)(nil)
