package main

// registerAll lists every group of handlers. A group is one subject with its own file.
func registerAll(t *Twin) {
	registerSessions(t)
	registerEvents(t)
	registerTasks(t)
	registerHistory(t)
	registerRetrieve(t)
	registerViews(t)
	registerCollector(t)
	registerRules(t)
	registerPermissions(t)
}
