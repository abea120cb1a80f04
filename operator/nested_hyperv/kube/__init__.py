"""Everything that talks to Kubernetes, and nothing else: the watch edge (Kopf), the store, and the writes.

`edge` and `listing` fill the `Store`; `KubeWriter` makes the few writes and feeds their answers back into it;
`EventRecorder` posts events. Nothing here decides what to do about an object.
"""
