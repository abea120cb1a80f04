# Everything installs what it needs by itself, into a cache outside the checkout (NHV_CACHE, default
# ~/.cache/nested-hyperv-operator). Needed on the machine: Python >= 3.11 and make.

PYTHON ?= python3
TOOLCHAIN = PYTHONPATH=tests $(PYTHON) -m bed.toolchain
RUN = $(TOOLCHAIN) exec

.DEFAULT_GOAL := help
.PHONY: help demo test bench soak conformance verify-vcenter lint fmt crds twin-doc lock clean clean-cache

help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: ## Run a lab, break it, watch it being repaired (KEEP=1 leaves it running)
	@$(TOOLCHAIN) exec python -m demo $(if $(KEEP),--keep)

test: ## Run every check and test (ARGS="-k name" goes to pytest)
	@$(TOOLCHAIN) test $(ARGS)

bench: ## Measure speed and size, 5 minutes (ARGS=--full: with 10,000 port groups)
	@$(RUN) python -m bench $(ARGS)

soak: ## Play 1,000 random stories over the whole operator, about an hour (ARGS=--help: seeds)
	@$(RUN) python -m soak $(ARGS)

conformance: ## Drive the vCenter twin with clients that others wrote: govc, Ansible, PowerCLI's calls
	@$(RUN) pytest tests/conformance $(ARGS)

verify-vcenter: ## Ask a real vCenter whether it keeps the twin's rules (ARGS=--help: how)
	@$(RUN) python -m verify $(ARGS)

lint: ## Run the checks that start nothing: ruff, mypy, import contracts, generated files, go vet
	@$(TOOLCHAIN) lint

fmt: ## Format Python and Go
	@$(RUN) ruff check --fix-only --quiet .
	@$(RUN) ruff format .
	@$(TOOLCHAIN) gofmt

crds: ## Write crds/ from the models
	@$(RUN) python -m nested_hyperv.api.crds

twin-doc: ## Write docs/twin.md from the rules of the vCenter twin
	@$(RUN) python -m verify.docs

lock: ## Resolve the dependencies anew and write requirements/*.lock
	@$(TOOLCHAIN) lock

clean: ## Remove what the tools left in the checkout
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-cache: ## Remove the cache: the Python environment, Go, the control plane, the twin
	@$(TOOLCHAIN) clean
