#!/bin/sh
# What must not travel with an image: hygiene.sh clean|check ROOT ITEM...
#   clean   removes it, and names on standard output what it removed
#   check   changes nothing; names on standard error what is still there and ends with 1 if anything is
# ROOT is "" on the machine itself. The items are the cases of `traces` below.
set -eu
verb=$1 root=$2
shift 2

# The homes of root and of people; a service's home is its own affair.
homes="$root/root $root/home/*"

traces() { # traces ITEM: the patterns of what the item is about
  case $1 in
    host_keys) echo "$root/etc/ssh/ssh_host_*_key $root/etc/ssh/ssh_host_*_key.pub" ;;
    machine_id) echo "$root/var/lib/dbus/machine-id $root/var/lib/systemd/random-seed $root/var/lib/systemd/credential.secret" ;;
    cloud_init) echo "$root/var/lib/cloud/instance $root/var/lib/cloud/instances/* $root/var/lib/cloud/sem/* $root/var/lib/cloud/data/*" ;;
    access) in_homes .ssh/authorized_keys .ssh/authorized_keys2 .ssh/known_hosts .ssh/id_* ;;
    histories) in_homes .bash_history .ash_history .zsh_history .python_history .lesshst .viminfo .wget-hsts ;;
    credentials) in_homes .aws .docker .netrc .git-credentials .config/gh && echo "$root/etc/munge/munge.key" ;;
    leftovers)
      in_homes .ansible .cache
      echo "$root/tmp/* $root/tmp/.[!.]* $root/var/tmp/* $root/var/tmp/.[!.]* $root/var/crash/* $root/var/lib/systemd/coredump/*"
      ;;
    logs) echo "$root/var/log/*.gz $root/var/log/*/*.gz $root/var/log/*.[0-9] $root/var/log/*/*.[0-9] $root/var/log/journal/*/*@*" ;;
    caches) echo "$root/var/cache/apt/archives/*.deb $root/var/cache/apt/archives/partial/* $root/var/cache/dnf/* $root/var/cache/yum/*" ;;
    indexes) echo "$root/var/lib/apt/lists/* $root/var/cache/apt/*.bin" ;;
    *) echo "hygiene.sh: there is no item '$1'" >&2 && exit 2 ;;
  esac
}

in_homes() {
  for name; do
    for home in $homes; do echo "$home/$name"; done
  done
}

# What runs right now has its own files there: systemd's private directories, and the module that started this script.
in_use() {
  case $1 in
    */systemd-private-* | */ansible_*_payload_* | */.X11-unix | */.ICE-unix | */.XIM-unix | */.font-unix) return 0 ;;
    */dbus/machine-id) [ -L "$1" ] ;; # a link to /etc/machine-id stays
    */apt/lists/lock | */apt/lists/auxfiles | */apt/lists/partial | */random-seed) [ "$verb" = check ] ;;
    *) return 1 ;;
  esac
}

found() { # found ITEM: what is there
  patterns=$(traces "$1") || exit 2
  for path in $patterns; do
    if { [ -e "$path" ] || [ -L "$path" ]; } && ! in_use "$path"; then echo "$path"; fi
  done
}

# /etc/machine-id must be there and empty: that is how systemd knows a first boot.
other_machine_id() {
  if [ "$1" = machine_id ] && [ -s "$root/etc/machine-id" ]; then echo "$root/etc/machine-id"; fi
}

# A log is emptied, not removed: its owner and mode stay. The session that cleans goes on to write a little.
full_logs() {
  if [ "$1" = logs ] && [ -d "$root/var/log" ]; then find "$root/var/log" -xdev -type f -size +"$2" ! -name '*.journal'; fi
}

status=0
for item; do
  list=$(found "$item") || exit 2
  if [ "$verb" = clean ]; then
    if [ "$item" = logs ] && [ -z "$root" ] && command -v journalctl >/dev/null; then
      journalctl --quiet --flush --rotate --vacuum-time=1s >/dev/null 2>&1 || true
      list=$(found logs)
    fi
    echo "$list" | while IFS= read -r path; do
      [ -n "$path" ] || continue
      rm -rf -- "$path"
      echo "removed $path"
    done
    { other_machine_id "$item" && full_logs "$item" 0; } | while IFS= read -r path; do
      : >"$path"
      echo "emptied $path"
    done
  else
    for path in $list $(other_machine_id "$item") $(full_logs "$item" 64k); do
      echo "$path is still there" >&2
      status=1
    done
  fi
done
exit "$status"
