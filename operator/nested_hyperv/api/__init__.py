"""The API of the operator: both kinds, their conditions and reasons, and the Secret that names a vCenter.

This package is the lowest layer: it describes documents and judges whether they are valid. It must not know Kopf,
Kubernetes clients, vSphere or the clock. The models are the single source: `crds/*.yaml`, the messages of a refused
document and the reference in the docs are all derived from them.
"""
