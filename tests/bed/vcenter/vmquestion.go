package main

import (
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Questions that block a machine, such as "moved or copied?" at its first start.
// The control API lets the next power-on ask one.

// question is one that waits for a machine to be powered on.
type question struct {
	text    string
	choices []string
	initial int
}

// askQuestion blocks a power-on until the machine's question, if it has one, is
// answered.
//
// Documented (VirtualMachineRuntimeInfo.question): the question that is blocking the
// machine's execution is there until somebody answers; event VmMessageEvent. Inferred:
// the task stays running meanwhile, and any answer lets it go on.
func (tc *TaskContext) askQuestion(vm *simulator.VirtualMachine) error {
	t, epoch := tc.Twin, tc.Twin.epoch.Load()
	asked, ok := t.inventory.questions[vm.Self]
	if !ok {
		return nil
	}
	delete(t.inventory.questions, vm.Self)
	choice := types.ChoiceOption{DefaultIndex: int32(asked.initial)}
	for i, label := range asked.choices {
		choice.ChoiceInfo = append(choice.ChoiceInfo, &types.ElementDescription{
			Description: types.Description{Label: label, Summary: label}, Key: strconv.Itoa(i),
		})
	}
	vm.Runtime.Question = &types.VirtualMachineQuestionInfo{Id: uuid.NewString(), Text: asked.text, Choice: choice}
	t.refresh(vm)
	tc.post(&types.VmMessageEvent{VmEvent: tc.machineEvent(vm), Message: asked.text})
	for vm.Runtime.Question != nil {
		tc.Unlocked(func() { time.Sleep(maintenancePoll) })
		if t.epoch.Load() != epoch {
			return NewFault(&types.RequestCanceled{}) // another world: nobody reads this
		}
		if _, err := machineOf(tc.Ctx.Map, vm.Self); err != nil {
			return err
		}
	}
	return nil
}

// answerMachine models AnswerVM. Documented: InvalidArgument for a question that the
// machine does not have, also because another client answered it already. Inferred: and
// for a choice that the question does not offer.
func answerMachine(c *Call, req any) (any, error) {
	r := req.(*types.AnswerVM)
	vm, err := machineOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	open := vm.Runtime.Question
	if open == nil || open.Id != r.QuestionId {
		return nil, invalidArgument("questionId")
	}
	if !slices.ContainsFunc(open.Choice.ChoiceInfo, func(info types.BaseElementDescription) bool {
		return info.GetElementDescription().Key == r.AnswerChoice
	}) {
		return nil, invalidArgument("answerChoice")
	}
	vm.Runtime.Question = nil
	c.Twin.refresh(vm)
	return &types.AnswerVMResponse{}, nil
}
