#!/bin/sh
# Say by exit status whether this node has NVSwitches that it must manage itself: has_nvswitch.sh [DIRECTORY of PCI devices]
#   A100, H100, H200   each switch is a bridge of NVIDIA's on the PCI bus
#   B200, B300         the switches are reached through InfiniBand controllers
#   GB200              the switches are outside the node, and managed there
set -u
devices=${1:-/sys/bus/pci/devices}
switches=0 controllers=0

for device in "$devices"/*; do
  [ -r "$device/class" ] || continue
  read -r class <"$device/class"
  read -r vendor <"$device/vendor"
  read -r id <"$device/device"
  [ "$vendor:$id" != 0x10de:0x2941 ] || exit 1
  case $vendor:$class in
    0x10de:0x0680*) switches=$((switches + 1)) ;;
    0x15b3:0x0207*) controllers=$((controllers + 1)) ;;
  esac
done
[ "$switches" -gt 1 ] || [ "$controllers" -gt 1 ]
