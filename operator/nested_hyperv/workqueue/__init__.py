"""The work queue of the operator: which key is worked on next, and when it is worked on again.

It knows keys, priorities and outcomes; it knows nothing of Kubernetes or vSphere and imports nothing else of this
package.
"""

from nested_hyperv.workqueue.backoff import Backoff
from nested_hyperv.workqueue.clock import AsyncioClock, Clock, Timer
from nested_hyperv.workqueue.outcome import Done, Outcome, RequeueAfter, Retry
from nested_hyperv.workqueue.queue import Priority, QueueObserver, QueueShutDown, WorkQueue
from nested_hyperv.workqueue.workers import WorkerObserver, Workers

__all__ = [
    "AsyncioClock",
    "Backoff",
    "Clock",
    "Done",
    "Outcome",
    "Priority",
    "QueueObserver",
    "QueueShutDown",
    "RequeueAfter",
    "Retry",
    "Timer",
    "WorkQueue",
    "WorkerObserver",
    "Workers",
]
