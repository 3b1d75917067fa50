#!/bin/sh
# Makes an image, a container of it as a user who is not root, looks for it and removes it. Needs the real enroot.
set -eu
[ -x /usr/bin/enroot-nsenter ] || { echo "this is not NVIDIA's enroot" >&2; exit 127; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/etc"
echo "$work" > "$work/root/etc/awsome"
mksquashfs "$work/root" "$work/image.sqsh" -quiet > /dev/null
chmod -R a+rX "$work"
as_nobody() { runuser --user=nobody -- env HOME="$work" "$@"; }
name=awsome-check-$$
as_nobody enroot create --name "$name" "$work/image.sqsh" > /dev/null
as_nobody enroot list | grep -qx "$name"
as_nobody enroot remove --force "$name" > /dev/null
