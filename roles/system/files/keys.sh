#!/bin/sh
# keys.sh apply|check FILE [ROOT]: sets the keys of a sysctl.d file in the running kernel, or says which it does not have.
# A key that this machine may not set, as in a container, or that its kernel does not know, waits for a boot that may:
# apply leaves it alone, check ends with 127, which is "not checked".
set -u
verb=$1 file=$2 root=${3-} status=0

while read -r key equals value; do
  [ "$equals" = "=" ] || continue
  path=$root/proc/sys/$(echo "$key" | tr . /)
  why=
  if [ ! -e "$path" ]; then
    why="this kernel has no such key"
  elif [ "$(tr '\t' ' ' < "$path")" = "$value" ]; then
    continue
  elif [ ! -w "$path" ]; then
    why="this machine may not set it"
  elif [ "$verb" = apply ]; then
    if echo "$value" > "$path"; then echo "$key = $value"; else status=1; fi
    continue
  fi
  [ "$verb" = check ] || continue
  if [ -n "$why" ]; then
    echo "$key: $why" >&2
    [ $status = 1 ] || status=127
  else
    echo "$key is $(cat "$path"), expected $value" >&2
    status=1
  fi
done < "$file"
exit $status
