# The two commands: `make lab` and `make test`. Each sets up what it needs.
SHELL := /bin/sh
export PATH := $(CURDIR)/.venv/bin:$(PATH)

LAB_PREFIX ?= lab
LAB_COMPUTE ?= 2
LAB_PLATFORM ?= debian12
LAB_IMAGE ?=
LAB_OPTIONS ?=

STATE := $(HOME)/.local/state/awsome-training
CACHE := $(HOME)/.cache/awsome-training
INVENTORY := $(STATE)/$(LAB_PREFIX)/inventory.yml
# Ask for a password only where sudo will.
ASK := $(shell [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null || echo --ask-become-pass)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# The roles that are tried with stand-ins for what vendors ship. `make test` walks them all at once, in node_stack and node_stack_rpm,
# but for mount_s3, which no profile of theirs has.
ROLE_SCENARIOS := $(filter-out node_stack% mount_s3,$(patsubst molecule/%/molecule.yml,%,$(shell grep -l 'scenario_standins: true' molecule/*/molecule.yml)))
SCENARIOS := $(filter-out default $(ROLE_SCENARIOS),$(notdir $(wildcard molecule/*)))
LAB = -e lab_prefix=$(LAB_PREFIX) -e lab_num_compute=$(LAB_COMPUTE) -e lab_platform=$(LAB_PLATFORM) \
  -e lab_registry_image=$(LAB_IMAGE) $(LAB_OPTIONS)
PLAY = ansible-playbook $(ASK)

.PHONY: help setup lab lab-destroy test test-scenarios test-python test-aws test-roles lint clean

help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## Install what development needs
	@scripts/setup.sh dev

lab: ## A cluster on this machine that trains: LAB_COMPUTE=2 LAB_PLATFORM=debian12 LAB_PREFIX=lab LAB_IMAGE=
	@scripts/setup.sh lab
	@$(PLAY) -i localhost, playbooks/lab_create.yml $(LAB) -e lab_wheel_requirements=$(CURDIR)/training/fsdp/requirements.txt
	@$(PLAY) -i $(INVENTORY) playbooks/lab.yml $(LAB)

lab-destroy: ## Remove the lab of LAB_PREFIX; cached images, wheels and environments stay
	@scripts/setup.sh lab
	@$(PLAY) -i localhost, playbooks/lab_destroy.yml -e lab_prefix=$(LAB_PREFIX) $(LAB_OPTIONS)

# The whole cluster first: what it bakes, the others find. They wait for machines half of their time, so three run side by side.
test: lint ## Run every test: linters, the whole cluster and each role by molecule, and pytest
	@molecule test -s default
	@$(MAKE) --no-print-directory --jobs=3 test-scenarios test-python test-aws

# One line for a scenario that passed, and all of its output for one that failed: pytest talks at the same time.
test-scenarios:
	@mkdir -p .cache
	@for scenario in $(SCENARIOS); do \
	  log=.cache/molecule-$$scenario.log; \
	  molecule test -s $$scenario >$$log 2>&1 || { cat $$log; echo "scenario $$scenario failed"; exit 1; }; \
	  echo "scenario $$scenario passed"; \
	done

test-python:
	@pytest --ignore=tests/aws

test-aws:
	@pytest tests/aws

test-roles: setup ## Run the scenario of each role that `make test` only walks with others
	@for scenario in $(ROLE_SCENARIOS); do molecule test -s $$scenario || exit 1; done

lint: setup ## Run every linter
	@ansible-lint
	@yamllint --strict .
	@ruff check
	@ruff format --check
	@mypy -p ansible_collections.awsome.training.plugins -p llama_trainer
	@git ls-files '*.sh' .ci/run | xargs shellcheck
	@antsibull-changelog lint

clean: ## Remove cached images, wheels and environments of destroyed labs
	@$(SUDO) podman images --quiet --filter reference='localhost/awsome-*' | sort -u | xargs -r $(SUDO) podman rmi
	@$(SUDO) rm -rf $(CACHE)
	@rm -rf .mypy_cache .pytest_cache .ruff_cache
