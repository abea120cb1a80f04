"""The health that Argo CD would show for an object as the API server returns it."""

from pathlib import Path

from bed.kube_object import GROUP, Snapshot
from support.argo import assess

__all__ = ["health_of"]

_SCRIPTS = Path(__file__).resolve().parents[2] / "deploy" / "argocd" / "resource_customizations" / GROUP


def health_of(found: Snapshot) -> str:
    """Run the shipped script over a real object: Healthy, Progressing, Degraded or Suspended."""
    script = _SCRIPTS / found.document["kind"] / "health.lua"
    return assess(script.read_text(), found.document).status
