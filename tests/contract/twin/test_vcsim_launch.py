"""A test suite written for vcsim starts the twin with the command line, and reads the output, that it knows."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from bed.soap import find
from bed.twin import TwinControl, program

pytestmark = pytest.mark.infrastructure("the flags of vcsim")

LINE = re.compile(
    r"export GOVC_URL=(?P<url>https?://(?P<user>[^:]+):(?P<password>[^@]+)@127\.0\.0\.1:\d+/sdk)"
    r" GOVC_SIM_PID=(?P<pid>\d+)\n"
)


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the program as a shell script would, on a free port; end it as `kill $GOVC_SIM_PID` does."""
    process = subprocess.Popen(
        [str(program()), "-l", "127.0.0.1:0", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def environment(process: subprocess.Popen[str]) -> Mapping[str, str]:
    assert process.stdout is not None
    line = process.stdout.readline()
    match = LINE.fullmatch(line)
    assert match, line
    return match.groupdict()


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program()), *arguments], capture_output=True, text=True, timeout=60, check=False)


def login(known: Mapping[str, str], **options: Any) -> Any:
    url = urlsplit(known["url"])
    if url.scheme == "https":
        options["disableSslCertValidation"] = True  # as suites for vcsim do
    return SmartConnect(host=url.hostname, port=url.port, user=url.username, pwd=url.password, **options)


def test_it_prints_the_environment_line_of_vcsim_and_nothing_else_and_the_login_in_it_works() -> None:
    with started() as process:
        known = environment(process)
        assert (known["user"], known["password"], known["pid"]) == ("user", "pass", str(process.pid))
        instance = login(known)
        assert find(instance, vim.VirtualMachine, "DC0_H0_VM0").runtime.powerState == "poweredOn"
        Disconnect(instance)
        process.send_signal(signal.SIGTERM)
        rest, log = process.communicate(timeout=30)
        assert rest == ""
        assert "the control API is at http://127.0.0.1:" in log
        assert process.returncode == 0


def test_the_login_of_the_flags_stands_in_the_line_and_may_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    with started("-username", "somebody", "-password", str(secret)) as process:
        known = environment(process)
        assert (known["user"], known["password"]) == ("somebody", "s3cret")
        Disconnect(login(known))
        with pytest.raises(vim.fault.InvalidLogin):
            login({**known, "url": known["url"].replace("s3cret", "wrong")})


def test_it_writes_the_line_to_a_fifo(tmp_path: Path) -> None:
    fifo = tmp_path / "env"
    os.mkfifo(fifo)
    with started("-E", str(fifo)) as process:
        match = LINE.fullmatch(fifo.read_text())
        assert match
        assert match["pid"] == str(process.pid)


def test_it_refuses_a_file_of_the_environment_line_that_does_not_exist(tmp_path: Path) -> None:
    done = ran("-l", "127.0.0.1:0", "-E", str(tmp_path / "env"))

    assert done.returncode == 1
    assert f"-E: open {tmp_path / 'env'}: no such file" in done.stderr


def test_it_serves_plain_http_where_a_suite_asks_for_it() -> None:
    with started("-tls=false") as process:
        known = environment(process)
        assert known["url"].startswith("http://")
        connection = http.client.HTTPConnection(urlsplit(known["url"]).netloc.rpartition("@")[2])
        connection.request("GET", "/about")
        about = json.load(connection.getresponse())
        connection.close()
        assert {"ReconfigVM_Task", "CreateDVPortgroup_Task", "Login"} <= set(about["methods"])
        assert {"VirtualMachine", "VmwareDistributedVirtualSwitch", "TaskManager"} <= set(about["types"])


def test_the_api_version_is_the_one_of_the_flag() -> None:
    with started("-api-version", "7.0.3.0") as process:
        instance = login(environment(process))
        assert instance.content.about.apiVersion == "7.0.3.0"
        Disconnect(instance)


def test_any_key_ends_it() -> None:
    with started("-stdinexit") as process:
        environment(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "Press any key to exit\n"
        assert process.stdin is not None
        process.stdin.write("q")
        process.stdin.flush()
        assert process.wait(timeout=30) == 0


def test_a_trace_has_requests_and_responses(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with started("-trace-file", str(trace)) as process:
        Disconnect(login(environment(process)))
    text = trace.read_text()
    assert "Request: <?xml" in text
    assert "<ns1:RetrieveServiceContentResponse" in text or "RetrieveServiceContentResponse" in text
    assert "Response: " in text


def test_a_method_is_as_slow_as_the_flags_say_and_so_is_its_task() -> None:
    with started("-delay", "20", "-method-delay", "PowerOff:400", "-vm", "1") as process:
        log: list[str] = []
        assert process.stderr is not None
        reader = threading.Thread(target=lambda: log.append(process.stderr.readline()))  # type: ignore[union-attr]
        reader.start()
        environment(process)
        reader.join(timeout=30)
        control = log[0].rsplit(" ", 1)[1].strip()
        rules = TwinControl(control).latencies()
        assert {"method": "PowerOffVM_Task", "seconds": 0.02, "taskSeconds": 0.4, "jitter": 0} in rules
        assert {"method": "", "seconds": 0.02, "taskSeconds": 0, "jitter": 0} in rules


def test_uuidgen_and_version_are_arguments_and_other_ones_are_ignored_with_a_word() -> None:
    assert uuid.UUID(ran("uuidgen").stdout.strip()).version == 4
    assert re.fullmatch(r"Build Version: .*\nBuild Commit: .*\nBuild Date: .*\n", ran("version").stdout)
    with started("surplus", "-vm", "7") as process:
        environment(process)
        process.send_signal(signal.SIGTERM)
        assert '"surplus" and what follows it is ignored' in process.communicate(timeout=30)[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-load", "somewhere"], "a saved inventory lacks the ports, guests and files"),
        (["-tunnel", "9000"], "logins by extension certificate, which are not modelled"),
        (["-username", "somebody"], "-username somebody: -password is missing"),
        (["-vm", "-1"], "-vm: -1; it is 0 or more"),
        (["-method-delay", "PowerOff"], '"PowerOff" is not METHOD:MILLISECONDS'),
        (["-latency-profile", "slow"], '-latency-profile: "slow" is not one of none, vcenter'),
    ],
)
def test_what_it_cannot_keep_it_refuses_with_the_reason(arguments: list[str], says: str) -> None:
    done = ran(*arguments)

    assert done.returncode == 1
    assert says in done.stderr


def test_help_names_every_flag_of_vcsim() -> None:
    text = ran("--help").stderr
    # Source: the flags of vcsim's main.go.
    stock = (
        "E api-version app autostart cluster dc delay delay-jitter ds folder host l load method-delay nsx password pg"
    )
    stock += " pg-nsx pod pool standalone-host stdinexit tls tlscert tlskey trace trace-file tunnel username vm"
    assert [name for name in stock.split() if not re.search(rf"^  -{name}\b", text, re.MULTILINE)] == []
