"""`make verify-vcenter`, run as a user would, against a twin in the place of a real vCenter."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bed.waiting import NotInTimeError, wait_for
from verify.table import Check, all_checks

if TYPE_CHECKING:
    from bed.twin import Twin

ROOT = Path(__file__).resolve().parents[3]
GROUP_RULES = ["-k", "ReconfigureDVPortgroup_Task"]


@pytest.fixture(scope="module")
def shared_twin() -> Iterator["Twin"]:
    """A twin with a scratch folder, for the tests that change nothing else."""
    from bed.twin import Twin

    with Twin() as twin:
        yield prepared(twin)


@pytest.fixture
def twin() -> Iterator["Twin"]:
    """A twin with a scratch folder, for a test that breaks something."""
    from bed.twin import Twin

    with Twin() as twin:
        yield prepared(twin)


def prepared(twin: "Twin") -> "Twin":
    """Make the scratch folder that a user would have made."""
    from bed.soap import connect

    with connect(twin) as instance:
        instance.content.rootFolder.childEntity[0].vmFolder.CreateFolder("scratch")
    return twin


def settings(twin: "Twin", **changes: str) -> dict[str, str]:
    """Return the environment that names the twin and its scratch place; an empty change takes a variable away."""
    from bed.twin import ADMINISTRATOR

    server = f"{twin.host}:{twin.port}"
    variables = {
        "SERVER": server, "CONFIRM": server, "USER": ADMINISTRATOR.name, "PASSWORD": ADMINISTRATOR.password,
        "CA": str(twin.ca), "FOLDER": "/DC0/vm/scratch", "SWITCH": "/DC0/network/DVS0",
        "POOL": "/DC0/host/DC0_C0/Resources", "DATASTORE": "/DC0/datastore/LocalDS_0",
        "HOST": "/DC0/host/DC0_C0/DC0_C0_H0",
    }  # fmt: skip
    return {f"VERIFY_{name}": value for name, value in (variables | changes).items()}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "verify", *arguments]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **given, "PYTHONPATH": os.pathsep.join([str(ROOT / "operator"), str(ROOT / "tests")])}


def run(given: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        command(*arguments), env=environment(given), capture_output=True, text=True, check=False, timeout=240
    )


def run_json(given: Mapping[str, str], *arguments: str) -> tuple[int, Any]:
    """Run the command; return its exit status and its document."""
    ended = run(given, "--json", *arguments)
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout)


def verdicts(document: Any, verdict: str) -> dict[str, str]:
    """Return the rules with this verdict, each with its detail."""
    return {rule["name"]: rule["detail"] for rule in document["rules"] if rule["verdict"] == verdict}


def inventory(twin: "Twin") -> set[tuple[str, str]]:
    """Return everything that a run could leave behind: objects of all types, what has none of its own, roles."""
    from bed.soap import connect

    state = twin.control.state()
    objects = {(kind, each) for kind, ids in state.objects.items() if kind != "Task" for each in ids}
    named = {(host.id, switch.name) for host in state.hosts for switch in host.switches}
    named |= {(host.id, group.name) for host in state.hosts for group in host.port_groups}
    with connect(twin) as instance:
        roles = {("role", role.name) for role in instance.content.authorizationManager.roleList}
    return objects | named | roles


@contextmanager
def nothing_left_behind(twin: "Twin") -> Iterator[None]:
    """Compare the inventory before and after."""
    before = inventory(twin)
    yield
    assert inventory(twin) == before


def test_the_twin_agrees_with_every_rule(shared_twin: "Twin") -> None:
    with nothing_left_behind(shared_twin):
        status, document = run_json(settings(shared_twin))

    assert verdicts(document, "disagrees") == {}
    assert verdicts(document, "not_asked") == {}
    assert len(verdicts(document, "agrees")) == len(list(all_checks())) > 0
    assert document["left"] == []
    assert status == 0


def test_a_server_that_breaks_one_rule_is_caught_at_exactly_that_rule(twin: "Twin") -> None:
    twin.control.rules(noOpBumpsConfigVersion=False)

    with nothing_left_behind(twin):
        status, document = run_json(settings(twin))

    assert verdicts(document, "disagrees") == {
        "dvpg.a_reconfigure_without_a_change_makes_a_new_version": (
            "expected: group.config.configVersion != before; group.config.configVersion is '0'; before is '0'"
        )
    }
    assert status == 1


def test_a_disagreement_is_told_with_the_rule_its_standing_and_what_was_seen(twin: "Twin") -> None:
    twin.control.rules(noOpBumpsConfigVersion=False)

    ended = run(settings(twin), *GROUP_RULES)

    assert "agrees              dvpg.a_stale_version_is_refused (ReconfigureDVPortgroup_Task)" in ended.stdout
    assert "DISAGREES           dvpg.a_reconfigure_without_a_change_makes_a_new_version" in ended.stdout
    assert "the rule:  A reconfigure that changes nothing makes a new configVersion all the same." in ended.stdout
    assert "it is:     inferred; nothing found" in ended.stdout
    assert "seen:      expected: group.config.configVersion != before" in ended.stdout
    assert "switch noOpBumpsConfigVersion" in ended.stdout
    assert ended.stdout.rstrip().endswith("nothing is left behind.")
    assert "All that is made is named v" in ended.stderr


@pytest.mark.parametrize("name", ["SERVER", "USER", "PASSWORD", "FOLDER", "SWITCH", "POOL", "DATASTORE", "CONFIRM"])
def test_nothing_is_done_without_every_word_of_consent(shared_twin: "Twin", name: str) -> None:
    shared_twin.control.reset_counters()

    ended = run(settings(shared_twin, **{name: ""}))

    assert ended.returncode == 2
    assert f"VERIFY_{name} is not set" in ended.stderr
    assert shared_twin.control.counters() == {}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"CONFIRM": "vcenter.example"}, "VERIFY_CONFIRM is 'vcenter.example' and VERIFY_SERVER is '127.0.0.1:"),
        ({"PASSWORD": "wrong"}, "does not let administrator@vsphere.local in"),
        ({"CA": "/nowhere.pem"}, "VERIFY_CA is '/nowhere.pem', which is no file"),
        ({"CA": "", "THUMBPRINT": "AA:BB"}, "the SHA-256 thumbprint of its certificate is "),
        ({"CA": ""}, "does not prove who it is"),
        ({"FOLDER": "/DC0/vm/nothing"}, "VERIFY_FOLDER is '/DC0/vm/nothing': nothing is there"),
        ({"FOLDER": "/DC0/vm"}, "VERIFY_FOLDER is '/DC0/vm': name a folder for machines below a datacenter's own"),
        ({"FOLDER": "/DC0/host"}, "VERIFY_FOLDER is '/DC0/host'"),
        ({"SWITCH": "/DC0/network/VM Network"}, "VERIFY_SWITCH is '/DC0/network/VM Network': that is a"),
    ],
)
def test_nothing_is_made_when_the_place_is_not_what_was_said(
    shared_twin: "Twin", changes: Mapping[str, str], complaint: str
) -> None:
    shared_twin.control.reset_counters()

    ended = run(settings(shared_twin, **changes))

    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert not {method for method in shared_twin.control.counters() if method.endswith("_Task")}


def test_a_thumbprint_is_as_good_as_a_certificate_authority(shared_twin: "Twin") -> None:
    status, document = run_json(settings(shared_twin, CA="", THUMBPRINT=shared_twin.thumbprint), *GROUP_RULES)

    assert (status, verdicts(document, "disagrees")) == (0, {})


def test_what_the_place_cannot_show_is_skipped_and_says_why(twin: "Twin") -> None:
    twin.control.fail("CreateDVPortgroup_Task", fault="NoPermission", count=1)

    status, document = run_json(settings(twin), *GROUP_RULES)

    assert list(verdicts(document, "not_asked").values()) == [
        "NoPermission: Permission to perform this operation was denied."
    ]
    assert status == 0


def test_a_server_that_is_away_for_a_moment_breaks_no_rule(twin: "Twin") -> None:
    twin.control.fail("CreateDVPortgroup_Task", where="http", status=503, count=1)

    with nothing_left_behind(twin):
        status, document = run_json(settings(twin), *GROUP_RULES)

    (detail,) = verdicts(document, "not_asked").values()
    assert "503" in detail
    assert (status, verdicts(document, "disagrees"), document["left"]) == (0, {}, [])


@pytest.mark.parametrize(
    ("trouble", "verdict", "detail"),
    [
        (
            LookupError("no such device"),
            "DISAGREES",
            "the check could not read the answer: LookupError: no such device",
        ),
        (NotInTimeError("waited 30 s for task-1 to end"), "could not be asked", "waited 30 s for task-1 to end"),
    ],
)
def test_whatever_ends_a_check_the_next_one_is_asked_and_nothing_stays(
    shared_twin: "Twin", trouble: BaseException, verdict: str, detail: str
) -> None:
    from bed.soap import connect
    from verify.place import find_place
    from verify.run import ask_all
    from verify.target import Target

    def troubled(scratch: Any) -> None:
        scratch.create("unnoticed")
        raise trouble

    other = next(iter(all_checks()))
    checks = [Check("test.troubled", other.rule, troubled), other]
    with nothing_left_behind(shared_twin), connect(shared_twin) as instance:
        place = find_place(instance, Target.of(settings(shared_twin)))

        report = ask_all(instance, place, "vtest-", checks, lambda _: None)

    assert [(each.verdict, each.detail) for each in report.outcomes] == [(verdict, detail), ("agrees", "")]
    assert report.left == []


@pytest.mark.parametrize(("count", "left"), [(1, 0), (1000, 1)])
def test_a_role_that_was_made_is_removed_later_or_told(twin: "Twin", count: int, left: int) -> None:
    twin.control.fail("RemoveAuthorizationRole", fault="NoPermission", count=count)

    _, document = run_json(settings(twin), "-k", "a_new_role_can_always_read")

    assert len(document["left"]) == left
    assert all(told.startswith("role 'v") for told in document["left"])


def test_a_failure_in_the_middle_leaves_nothing_behind(twin: "Twin") -> None:
    twin.control.fail("ReconfigureDVPortgroup_Task", where="task", fault="SystemError", count=1000)

    with nothing_left_behind(twin):
        status, document = run_json(settings(twin), *GROUP_RULES)

    assert verdicts(document, "agrees") == {}
    assert all("SystemError" in detail for detail in verdicts(document, "disagrees").values())
    assert (status, document["left"]) == (1, [])


def test_what_cannot_be_removed_is_told(twin: "Twin") -> None:
    twin.control.fail("Destroy_Task", fault="NoPermission", count=1000)

    status, document = run_json(settings(twin), "-k", "dvpg.a_stale_version_is_refused")

    left = [group.name for group in twin.control.state().port_groups if group.name.endswith("-lab")]
    assert len(left) == len(document["left"]) == 1
    assert left[0] in document["left"][0]
    assert verdicts(document, "agrees")
    assert status == 1


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_the_end_of_a_job_leave_nothing_behind(twin: "Twin", sent: signal.Signals) -> None:
    twin.control.hold("CreateDVPortgroup_Task")
    process = subprocess.Popen(
        command(*GROUP_RULES),
        env=environment(settings(twin)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with nothing_left_behind(twin):
        wait_for(twin.control.held_tasks, "a check to be in the middle of its work")
        process.send_signal(sent)
        twin.control.release()
        out, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert "interrupted" in out
    assert "nothing is left behind" in out


def test_a_text_that_matches_no_rule_is_refused(shared_twin: "Twin") -> None:
    ended = run(settings(shared_twin), "-k", "no such rule")

    assert ended.returncode == 2
    assert "'no such rule' matches no rule" in ended.stderr
