#!/bin/bash
# Part of user data, run as root by cloud-init where the image is not baked; AWSOME_BUNDLE is where the bundle lies: s3://bucket/prefix
set -u
name=user_data
source=${AWSOME_BUNDLE:?user_data: AWSOME_BUNDLE is not set; it is where the bundle lies, s3://bucket/prefix}
bundle=/opt/awsome/bundle
log=/var/log/awsome-boot.log
mkdir -p "$bundle"
fetched=no
for pause in 1 2 4 8 16 0; do
  aws s3 cp --recursive --only-show-errors "${source%/}/" "$bundle/" && fetched=yes && break
  sleep "$pause"
done
[ "$fetched" = yes ] || { echo "boot: the bundle cannot be fetched from $source: see aws's words above" | tee -a "$log"; exit 2; }
cd "$bundle" || exit 1
PYTHONDONTWRITEBYTECODE=1 python3 -u -m boot eks "$name" 2>&1 | tee -a "$log"
exit "${PIPESTATUS[0]}"
