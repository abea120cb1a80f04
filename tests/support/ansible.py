"""Ansible with the collection community.vmware, run as a user would: a playbook of tasks against localhost.

A playbook and not a call per module, because starting Ansible takes longer than what it does to the twin.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bed.toolchain import ansible_env
from bed.twin import ADMINISTRATOR, Twin

__all__ = ["Ansible", "Outcome"]

_COLLECTION = "community.vmware"
_RESULT = re.compile(r"^localhost \| (\w+)!? => ", re.MULTILINE)
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


@dataclass(frozen=True)
class Outcome:
    """What a module answered: its own document, and the two words of it that everybody looks at."""

    module: str
    document: Mapping[str, Any]

    @property
    def changed(self) -> bool:
        """The module says that it changed something; AssertionError when it failed."""
        assert not self.failed, f"{self.module} failed: {self.message}"
        return bool(self.document["changed"])

    @property
    def failed(self) -> bool:
        """The module says that it failed."""
        return bool(self.document.get("failed", False))

    @property
    def message(self) -> str:
        """The words of the failure."""
        return str(self.document.get("msg", ""))

    def __getitem__(self, name: str) -> Any:
        assert not self.failed, f"{self.module} failed: {self.message}"
        return self.document[name]


class Ansible:
    """Ansible against one twin. `folder` takes the playbooks."""

    def __init__(self, twin: Twin, folder: Path) -> None:
        self._folder = folder
        self._login = {
            "hostname": twin.host,
            "port": twin.port,
            "username": ADMINISTRATOR.name,
            "password": ADMINISTRATOR.password,
            "validate_certs": True,
        }
        self._environment = {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "ANSIBLE_COLLECTIONS_PATH": str(ansible_env()),
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
            "SSL_CERT_FILE": str(twin.ca),
        }

    def play(self, *tasks: tuple[str, Mapping[str, Any]]) -> list[Outcome]:
        """Run modules one after the other, past failures; return what each answered."""
        playbook = [
            {
                "hosts": "localhost",
                "connection": "local",
                "gather_facts": False,
                "vars": {"ansible_python_interpreter": str(ansible_env() / "bin" / "python")},
                "module_defaults": {f"{_COLLECTION}.{module}": self._login for module, _ in tasks},
                "tasks": [
                    {f"{_COLLECTION}.{module}": dict(arguments), "ignore_errors": True} for module, arguments in tasks
                ],
            }
        ]
        file = self._folder / "playbook.json"  # JSON is YAML
        file.write_text(json.dumps(playbook), encoding="utf-8")
        ended = subprocess.run(
            [ansible_env() / "bin" / "ansible-playbook", file],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        documents = _documents(ended.stdout)
        assert len(documents) == len(tasks), f"{len(documents)} of {len(tasks)} answered\n{ended.stdout}{ended.stderr}"
        return [Outcome(module, document) for (module, _), document in zip(tasks, documents, strict=True)]


def _documents(text: str) -> list[Mapping[str, Any]]:
    decoder = json.JSONDecoder()
    found = []
    for match in _RESULT.finditer(text):
        document, _ = decoder.raw_decode(text, match.end())
        found.append(document | ({"failed": True} if match[1] in {"FAILED", "UNREACHABLE"} else {}))
    return found
