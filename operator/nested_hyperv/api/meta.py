"""Names that other programs see: the API group, both kinds, finalizers, annotations and the Secret type.

Renaming one of them breaks running installations; they are kept in one place so that a reader can see them all.
"""

from typing import Final

GROUP: Final = "nestedhv.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = "nestedlab"

KIND_PORT_GROUP: Final = "NestedPortGroup"
PLURAL_PORT_GROUP: Final = "nestedportgroups"
SHORT_PORT_GROUP: Final = "npg"

KIND_HOST: Final = "NestedHyperVHost"
PLURAL_HOST: Final = "nestedhypervhosts"
SHORT_HOST: Final = "nhv"

FIELD_MANAGER: Final = "nested-hyperv-operator"

SECRET_TYPE: Final = f"{GROUP}/vcenter"
"""Type of a Secret that names a vCenter; only Secrets of this type are watched."""

FINALIZER_TEARDOWN: Final = f"{GROUP}/teardown"
"""On a custom resource: what it owns in vSphere has to be torn down first."""
FINALIZER_IN_USE: Final = f"{GROUP}/in-use"
"""On a connection Secret: custom resources with `teardown` still need it."""

ANNOTATION_RECONCILE: Final = f"{GROUP}/reconcile-requested-at"
"""A new value forces a reconcile; echoed in `status.lastHandledReconcileAt`."""
ANNOTATION_ADOPT: Final = f"{GROUP}/adopt"
"""MoRef or instance UUID of an existing object that this resource shall retake."""
ANNOTATION_ACCEPT_VCENTER: Final = f"{GROUP}/accept-vcenter"
"""`about.instanceUuid` of another vCenter that the connection may answer with from now on."""
ANNOTATION_ORPHAN: Final = f"{GROUP}/orphan"
"""`"true"`: let go of a resource that is being deleted although its vCenter is unreachable."""
ANNOTATION_ALLOWED_NAMESPACES: Final = f"{GROUP}/allowed-namespaces"
"""On a connection Secret: globs of other namespaces whose resources may use it."""

NAME_MAX_LENGTH: Final = 80
"""Longest name vSphere accepts for an inventory object."""
