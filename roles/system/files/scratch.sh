#!/bin/sh
# Written by awsome.training: scratch.sh PATH MODE [ROOT] mounts the NVMe disks of this instance at PATH, as one.
# A stop of the instance empties the disks, a reboot does not: so at every boot it looks for its own file system first, and makes
# one only of disks that hold nothing at all. Without such disks it does nothing.
set -eu
path=$1 mode=$2 root=${3-} label=awsome-scratch
say() { echo "scratch: $*"; }
finish() {
  mkdir -p "$root$path"
  mount -o noatime "$1" "$root$path"
  chmod "$mode" "$root$path"
  say "$1 is mounted at $path"
  exit 0
}
# Free: nothing mounted from it, no array or partition on it, and no signature.
is_free() {
  block=$root/sys/class/block/${1##*/}
  ! grep -q "^/dev/${1##*/}" "$root/proc/self/mounts" && [ -z "$(ls "$block/holders" 2> /dev/null)" ] && [ ! -e "${block}p1" ] &&
    signatures=$(wipefs --noheadings "$1") && [ -z "$signatures" ]
}
! grep -q " $path " "$root/proc/self/mounts" || { say "$path is mounted already"; exit 0; }
disks=$(find "$root/dev/disk/by-id" -name 'nvme-Amazon_EC2_NVMe_Instance_Storage_*' ! -name '*-part[0-9]*' -exec readlink -f {} + 2> /dev/null | sort -u)
[ -n "$disks" ] || { say "this machine has no disks of its own"; exit 0; }
mdadm --assemble --scan --name=$label > /dev/null 2>&1 || true
! found=$(blkid -L $label) || finish "$found"
set --
for disk in $disks; do if is_free "$disk"; then set -- "$@" "$disk"; else say "$disk is in use, left alone"; fi; done
device=$(find "$root/dev/md" -name "*$label*" 2> /dev/null | head -n 1)
if [ -z "$device" ]; then
  [ $# -gt 0 ] || exit 0
  device=$1
  [ $# = 1 ] || { device=$root/dev/md/$label; mdadm --create "$device" --run --level=0 --name=$label --raid-devices=$# "$@"; }
fi
mkfs.xfs -q -L $label "$device"
finish "$device"
