#!/bin/bash
# As on_create.sh, once the initialisation of an AMI-based configuration is complete (API reference, ClusterLifeCycleConfig).
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
log=/var/log/provision/provisioning.log
mkdir -p "${log%/*}"
PYTHONDONTWRITEBYTECODE=1 python3 -u -m boot hyperpod "$(basename "$0" .sh)" 2>&1 | tee -a "$log"
exit "${PIPESTATUS[0]}"
