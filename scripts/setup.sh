#!/bin/sh
# Install what this collection needs on a Debian or Ubuntu machine: setup.sh lab|dev
#   lab   what `make lab` needs: podman and friends, and Ansible in .venv
#   dev   that, and what the tests and linters need
# Does nothing where everything is there. PYTHON names another interpreter than python3.
set -eu

set_name=${1:-dev}
python=${PYTHON:-python3}
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

die() {
  echo "setup.sh: $*" >&2
  exit 1
}

case $set_name in
  lab | dev) ;;
  *) die "unknown set '$set_name': say lab or dev." ;;
esac
requirements=$here/requirements/$set_name.txt

# --- Packages of the system -------------------------------------------------------------------------------------

missing=''
need() { # need COMMAND PACKAGE
  command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"
}

need podman podman
need mmdebstrap mmdebstrap
need ssh openssh-client
need ip iproute2
ls /usr/share/keyrings/debian-archive-keyring.* >/dev/null 2>&1 || missing="$missing debian-archive-keyring"
# With cgroup v1 controllers mounted, crun cannot run systemd.
[ -e /sys/fs/cgroup/cgroup.controllers ] || need runc runc
if [ "$set_name" = dev ]; then
  need shellcheck shellcheck
  need packer packer
  # For the stand-ins of vendors' repositories.
  need gpg gnupg
  need rpmbuild rpm
  need createrepo_c createrepo-c
fi
command -v "$python" >/dev/null 2>&1 || missing="$missing python3 python3-venv"
"$python" -c 'import ensurepip, venv' 2>/dev/null || [ -x "$here/.venv/bin/pip" ] || missing="$missing python3-venv"

if [ -n "$missing" ]; then
  command -v apt-get >/dev/null 2>&1 ||
    die "there is no apt-get here, so install by hand what is missing, then run this again:$missing"
  if [ "$(id -u)" = 0 ]; then
    sudo=''
  elif command -v sudo >/dev/null 2>&1; then
    sudo=sudo
  else
    die "packages are missing ($missing ) and this is neither root nor is sudo here: run this as root once."
  fi
  echo "Installing$missing"
  # shellcheck disable=SC2086 # words, on purpose
  {
    log=$(mktemp)
    options='-q -o DPkg::Lock::Timeout=300'
    { $sudo apt-get $options update && $sudo env DEBIAN_FRONTEND=noninteractive apt-get $options install -y $missing; } >"$log" 2>&1 ||
      die "apt could not install$missing: $({ grep '^E:' "$log" || cat "$log"; } | tail -n 1) (whole log: $log)"
    rm -f "$log"
  }
fi

# --- Python -----------------------------------------------------------------------------------------------------

trainer=$here/training/fsdp/requirements.txt

stamp() {
  if [ "$1" = dev ]; then cat "$here/requirements/dev.txt" "$trainer"; else cat "$here/requirements/$1.txt"; fi | cksum
}

# The dev set holds the lab set, at the same versions.
for have in dev "$set_name"; do
  if [ -x "$here/.venv/bin/ansible-playbook" ] && [ "$(cat "$here/.venv/.$have" 2>/dev/null)" = "$(stamp "$have")" ]; then
    exit 0
  fi
done

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  die "$python is '$("$python" -V 2>&1)' and Ansible needs 3.11 or newer: install one, and run this with PYTHON=python3.11."

echo "Installing Python packages of $requirements into .venv"
[ -x "$here/.venv/bin/pip" ] || "$python" -m venv "$here/.venv"
# The lock is complete, so nothing is left to resolve; modules are compiled when they are first used.
"$here/.venv/bin/pip" install --quiet --no-deps --no-compile --requirement "$requirements" ||
  die "pip could not install $requirements: see its message above, and check the network and pip's configuration."
if [ "$set_name" = dev ]; then
  # With its dependencies: which ones PyTorch needs depends on whether its build is for GPUs.
  "$here/.venv/bin/pip" install --quiet --requirement "$trainer" ||
    die "pip could not install $trainer: see its message above, and check the network and pip's configuration."
fi
stamp "$set_name" >"$here/.venv/.$set_name"
