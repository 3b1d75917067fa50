#!/bin/bash
# SageMaker HyperPod's agent runs this as root, in the directory that it downloaded. A status other than 0 fails the node.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
log=/var/log/provision/provisioning.log
mkdir -p "${log%/*}"
PYTHONDONTWRITEBYTECODE=1 python3 -u -m boot hyperpod "$(basename "$0" .sh)" 2>&1 | tee -a "$log"
exit "${PIPESTATUS[0]}"
