"""Everything that talks to vSphere, and the only package that imports pyVmomi.

Above it nobody sees a SOAP fault, a data object or a thread: calls are coroutines, objects are the records of
``domain.inventory`` and failures are the errors of ``domain.errors``. The way in is ``VCenters``.
"""

from nested_hyperv.vsphere.tuning import Tuning
from nested_hyperv.vsphere.vcenters import VCenters

__all__ = ["Tuning", "VCenters"]
