#!/bin/bash
# SageMaker HyperPod on EKS: images and pods go to the big disk before the kubelet starts. A status other than 0 fails the node.
# Bind mounts, so that no configuration of containerd or the kubelet, which differ by image, has to be known. A second run changes nothing.
set -u
log=/var/log/provision/provisioning.log
units=/etc/systemd/system
mkdir -p "${log%/*}"

move() { # move NAME DISK: the directory /var/lib/NAME onto the disk, by a unit that every boot mounts first
  local name=$1 place=$2/awsome/$1 unit=var-lib-$1.mount active=no
  mountpoint -q "/var/lib/$name" && { echo "boot: $name is on $2 already"; return 0; }
  systemctl is-active --quiet "$name" && active=yes && systemctl stop "$name"
  mkdir -p "$place" "/var/lib/$name" && cp -a --no-clobber "/var/lib/$name/." "$place/" || return 1
  printf '%s\n' '# Written by awsome.training' '[Unit]' "Before=$name.service" "RequiresMountsFor=$2" '[Mount]' "What=$place" \
    "Where=/var/lib/$name" 'Type=none' 'Options=bind' '[Install]' 'WantedBy=local-fs.target' >"$units/$unit"
  systemctl daemon-reload && systemctl enable --now "$unit" || return 1
  [ "$active" = no ] || systemctl start "$name" || return 1
  echo "boot: $name is on $2"
}

main() {
  local disk name
  for disk in /opt/dlami/nvme /opt/sagemaker; do
    mountpoint -q "$disk" || continue
    for name in containerd kubelet; do
      move "$name" "$disk" || { echo "boot: $name cannot be moved to $disk: see the words above, and the room on it"; return 2; }
    done
    return 0
  done
  echo "boot: neither /opt/dlami/nvme nor /opt/sagemaker is mounted; images and pods stay on the root disk"
}

main 2>&1 | tee -a "$log"
exit "${PIPESTATUS[0]}"
