#!/bin/sh
# kernel_arguments.sh CHANGED WORD...: has the boot loader give the kernel these words from the next boot on, and prints what it
# changed. -WORD is taken away. CHANGED is 1 where the drop-in of grub was just written. Without a boot loader it does nothing.
set -u
changed=$1
shift
boot=${BOOT:-/boot}

if command -v grubby > /dev/null && ls "$boot"/loader/entries/*.conf > /dev/null 2>&1; then
  for word in "$@"; do
    # One line of args for each kernel: all must have the word, or none.
    lines=$(grubby --info=ALL | sed -n 's/^args="\(.*\)"$/ \1 /p')
    case $word in
      -*) echo "$lines" | grep -qE -- " ${word#-}[= ]" && grubby --update-kernel=ALL --remove-args="${word#-}" && echo "$word" ;;
      *) echo "$lines" | grep -qvF -- " $word " && grubby --update-kernel=ALL --args="$word" && echo "$word" ;;
    esac
  done
elif command -v update-grub > /dev/null && [ -e "$boot/grub/grub.cfg" ]; then
  for word in "$@"; do
    case $word in -*) continue ;; esac
    grep -qF -- " $word" "$boot/grub/grub.cfg" || changed=1
  done
  [ "$changed" != 1 ] || { update-grub > /dev/null 2>&1 && echo "$*"; }
fi
true
