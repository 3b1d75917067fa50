#!/bin/sh
# Lay out a lab's state: keys.sh STATE_DIR CACHE_DIR PLATFORM PREFIX SUBNET OWNER
# Run as root; what the user needs belongs to OWNER, what the machines mount belongs to root.
# Says "changed" when it made something.
set -eu
state=$1 cache=$2 platform=$3 prefix=$4 subnet=$5 owner=$6

mine() { # owner directory...: made only where missing
  of=$1
  shift
  for directory; do
    [ -d "$directory" ] && continue
    mkdir -p "$directory"
    chown "$of" "$directory"
    echo changed
  done
}

mine "$owner" "${state%/*/*}" "${state%/*}" "$state" "$state/ssh" "$state/ssh/cp" \
  "${cache%/*}" "$cache" "$cache/wheelhouse" "$cache/wheelhouse/$platform"
mine 0 "$state/etc" "$state/shared" "$cache/envs" "$cache/envs/$platform"

for key in "$state/ssh/id_ed25519" "$state/etc/ssh_host_ed25519_key"; do
  [ -e "$key" ] && continue
  ssh-keygen -q -t ed25519 -N '' -C "$prefix" -f "$key"
  echo changed
done
chown "$owner" "$state/ssh/id_ed25519" "$state/ssh/id_ed25519.pub"
[ -e "$state/etc/hosts" ] || : >"$state/etc/hosts"

# The machines have mounted these very files, so they are written in place.
write() { # write FILE, from standard input
  text=$(cat)
  [ "$(cat "$1" 2>/dev/null)" = "$text" ] && return
  echo "$text" >"$1"
  echo changed
}
write "$state/etc/authorized_keys" <"$state/ssh/id_ed25519.pub"
chmod 0600 "$state/etc/authorized_keys"
# All machines of a lab have one host key, so the user knows each of them beforehand.
echo "$prefix-*,${subnet%.*}.* $(cut -d' ' -f1,2 "$state/etc/ssh_host_ed25519_key.pub")" | write "$state/ssh/known_hosts"
chown "$owner" "$state/ssh/known_hosts"
