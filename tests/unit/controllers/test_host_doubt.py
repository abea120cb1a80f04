"""What became of a clone is not known for sure: a lost answer, a killed process, a template with another name."""

import pytest

from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.resource import ObjectKey
from support import vsphere_records as samples
from support.workbench import HOST, Workbench


def rename_the_template(bench: Workbench, *, replaced: bool = False) -> None:
    """As a build does that makes a new one under its name."""
    (ref,) = (machine.ref for machine in bench.vcenter.machines.values() if machine.template)
    bench.vcenter.change(ref, name="old-template")
    if replaced:
        bench.vcenter.add(samples.template(ref=MoRef("VirtualMachine", "vm-newer")))


async def unanswered(bench: Workbench) -> None:
    """A clone runs, and the answer that names its task was lost."""
    bench.vcenter.holding = True
    bench.vcenter.lose_answers.add("clone")
    bench.declare(HOST)
    await bench.run()


def left(bench: Workbench) -> list[str]:
    return [machine.name for machine in bench.vcenter.machines.values() if not machine.template]


async def deleted_without_leaving_anything(bench: Workbench) -> None:
    bench.api.delete(HOST)
    await bench.run()
    await bench.after(30)
    assert HOST in bench.api.objects, "the clone still runs"
    bench.vcenter.holding = False
    await bench.run()
    assert HOST not in bench.api.objects
    assert left(bench) == []


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_clone_whose_answer_was_lost_keeps_the_deletion_though_its_template_has_another_name(
    bench: Workbench, replaced: bool
) -> None:
    await unanswered(bench)

    rename_the_template(bench, replaced=replaced)

    await deleted_without_leaving_anything(bench)


async def test_a_clone_of_a_killed_process_keeps_the_deletion_though_its_template_has_another_name(
    bench: Workbench,
) -> None:
    bench.vcenter.holding = True
    bench.declare(HOST)
    await bench.work(until=lambda: "clone" in bench.vcenter.calls)
    bench.api.status(HOST).pop("task", None)

    rename_the_template(bench)
    bench.start()

    await deleted_without_leaving_anything(bench)


async def test_the_task_in_status_is_waited_for_though_status_names_the_vm_before_it(bench: Workbench) -> None:
    bench.vcenter.remove(await bench.create(HOST, onExternalDelete="Recreate"))
    bench.vcenter.holding = True
    await bench.run()
    assert bench.api.status(HOST)["task"]
    assert bench.api.status(HOST)["moRef"]

    bench.start()
    bench.api.delete(HOST)
    await bench.work()
    assert "running_clones" not in bench.vcenter.calls, "the very task is known"

    await deleted_without_leaving_anything(bench)


async def test_a_task_in_status_that_vcenter_forgot_keeps_nobody(bench: Workbench) -> None:
    bench.vcenter.remove(await bench.create(HOST, onExternalDelete="Recreate"))
    bench.vcenter.holding = True
    await bench.run()
    bench.vcenter.restart()
    rename_the_template(bench)

    bench.start()
    bench.api.delete(HOST)
    await bench.run()

    assert HOST not in bench.api.objects


async def test_a_clone_is_waited_for_though_its_template_is_not_found(bench: Workbench) -> None:
    await unanswered(bench)

    rename_the_template(bench)
    await bench.after(10)
    assert bench.condition(HOST) == ("False", "Progressing")
    bench.vcenter.holding = False
    await bench.ready(HOST)

    assert left(bench) == ["hv1"]


async def test_without_a_running_clone_a_template_that_is_gone_keeps_nobody(bench: Workbench) -> None:
    await unanswered(bench)
    bench.vcenter.restart()
    rename_the_template(bench)

    bench.api.delete(HOST)
    await bench.run()

    assert HOST not in bench.api.objects


async def test_the_clone_of_another_resource_keeps_no_deletion_waiting(bench: Workbench) -> None:
    await unanswered(bench)
    bench.vcenter.restart()
    other = ObjectKey(HOST.kind, "lab", "hv2")
    bench.declare(other, name="hv2")
    await bench.work(lambda: bench.vcenter.mutations == ["clone"] * 2)

    bench.api.delete(HOST)
    await bench.run()

    assert HOST not in bench.api.objects
