#!/bin/sh
# plugin.sh WORD [DIRECTORY]: the plugin of NCCL, as the loader finds it.
#   bundle            say where EFA's installer laid its own; that place changed over the releases
#   select DIRECTORY  make the loader find the plugin there and no other; says what it changes
#   found             say every directory in which the loader finds a plugin
set -eu
PATH=$PATH:/usr/sbin:/sbin
own=/etc/ld.so.conf.d/000-awsome-aws-ofi-nccl.conf

found() { ldconfig -p | sed -n 's|.*libnccl-net[^ ]*\.so.* => \(.*\)/[^/]*$|\1|p' | sort -u; }

bundle() {
  for at in /opt/amazon/ofi-nccl /opt/amazon/aws-ofi-nccl; do
    for directory in "$at"/lib "$at"/lib64 "$at"/lib/*-linux-gnu; do
      for file in "$directory"/libnccl-net*.so; do
        [ ! -e "$file" ] || { echo "$directory"; return; }
      done
    done
  done
}

# Lines are switched off and on in the files that name them, for these are the packages'.
select_one() {
  pattern=$(printf %s "$1" | sed 's/[.]/[.]/g')
  changed=no named=no
  for file in /etc/ld.so.conf.d/*.conf; do
    if [ ! -e "$file" ] || [ "$file" = "$own" ]; then continue; fi
    new=$(sed -E -e "s|^# off: ($pattern/?)\$|\1|" -e "\|^$pattern/?\$|!s|^(/.*ofi-nccl.*)\$|# off: \1|" "$file")
    [ "$new" = "$(cat "$file")" ] || { printf '%s\n' "$new" >"$file"; changed=yes; }
    ! grep -qxE "$pattern/?" "$file" || named=yes
  done
  if [ "$named" = yes ]; then
    [ ! -e "$own" ] || { rm "$own"; changed=yes; }
  elif ! grep -qsx "$1" "$own"; then
    echo "$1" >"$own"
    changed=yes
  fi
  if [ "$changed" = yes ] || [ "$(found)" != "$1" ]; then
    ldconfig
    echo "the loader finds the plugin in $1"
  fi
}

case $1 in
  bundle) bundle ;;
  select) select_one "$2" ;;
  found) found ;;
esac
