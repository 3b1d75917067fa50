#!/bin/sh
# Run on a lab machine that has the mirror: prefer the stand-ins of the system's own packages to the real ones.
set -eu
mirror=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=/dev/null
. /etc/os-release

case $ID in
  debian)
    own=$mirror/repositories/distribution/$ID$VERSION_ID
    list=/etc/apt/sources.list.d/standins.list
    echo "deb [signed-by=$mirror/key.asc] file://$own /" >$list
    printf 'Package: *\nPin: release l=standins-distribution\nPin-Priority: 990\n' >/etc/apt/preferences.d/standins
    # Only this list: the others need the network, and are as fresh as the image.
    apt-get -q update -o Dir::Etc::sourcelist=$list -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0
    ;;
  amzn) dnf -q -y makecache ;;  # rpm_machine.sh laid the list
  *)
    echo "prepare.sh: there are no stand-ins for the system '$ID'." >&2
    exit 1
    ;;
esac
