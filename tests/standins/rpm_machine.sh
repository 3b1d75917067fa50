#!/bin/sh
# Make the base image of a lab machine of the RPM family: rpm_machine.sh PLATFORM MIRROR. Says the image's name.
# No image of such a system can be fetched in a test. This is Debian with dnf and rpm, whose facts read as the platform's;
# apt and dpkg are gone. rpm's database holds, without files, the packages that the system would have (base.yml).
set -eu
platform=$1 mirror=$2
base=$mirror/repositories/base/$platform

case $platform in
  al2023)
    system_release='Amazon Linux release 2023 (Amazon Linux)'
    os_release='NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
ID_LIKE="fedora"
VERSION_ID="2023"
PLATFORM_ID="platform:al2023"
PRETTY_NAME="Amazon Linux 2023"'
    ;;
  *)
    echo "rpm_machine.sh: no machine of platform '$platform' can be made here: only al2023." >&2
    exit 1
    ;;
esac

key=$({ cat "$0"; ls "$base"; } | sha256sum | cut -c -12)
image=localhost/awsome-standin:$platform-$key
echo "$image"
podman image exists "$image" && exit

packages=systemd,systemd-sysv,dbus,python3,iproute2,openssh-server,openssh-client,ca-certificates,sudo,procps
packages=$packages,dnf,dnf-plugins-core,rpm,gnupg,bzip2,xz-utils,unzip,kmod,make
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '%s\n' "$os_release" >"$work/os-release"
printf '%s\n' "$system_release" >"$work/system-release"
# The system's own packages. dnf wants one repository at least, even where it has nothing to install.
cat >"$work/system.repo" <<END
[system]
name=system
baseurl=file:///srv/mirror/repositories/distribution/$platform
gpgcheck=1
repo_gpgcheck=1
gpgkey=file:///srv/mirror/key.asc
skip_if_unavailable=1
END
cat >"$work/become" <<'END'
#!/bin/sh
set -eu
root=$1 base=$2 work=$3
rm -f "$root/etc/os-release" "$root/etc/debian_version" "$root/etc/dpkg/origins/"*
cp "$work/os-release" "$root/usr/lib/os-release"
cp "$work/system-release" "$root/etc/system-release"
ln -s ../usr/lib/os-release "$root/etc/os-release"
# Where the family has it; Debian's rpm looks into a user's home.
mkdir -p "$root/var/lib/rpm" "$root/etc/rpm" "$root/etc/yum.repos.d" "$root/etc/pki/rpm-gpg" "$root/tmp/base"
echo '%_dbpath /var/lib/rpm' >"$root/etc/rpm/macros.dbpath"
cp "$work/system.repo" "$root/etc/yum.repos.d/system.repo"
cp "$base"/*.rpm "$root/tmp/base/"
chroot "$root" sh -c 'rpm --install --justdb --nodeps --noscripts --nosignature /tmp/base/*.rpm'
rm -rf "$root/tmp/base" "$root/var/lib/dpkg" "$root/var/lib/apt" "$root/var/cache/apt"
rm -f "$root"/usr/lib/python3/dist-packages/dnf-plugins/local.py  # a repository of its own, which nobody signs
rm -f "$root"/usr/bin/apt* "$root"/usr/bin/dpkg* "$root/usr/bin/deb-systemd-invoke"
END
chmod +x "$work/become"
mmdebstrap --quiet --variant=minbase --skip=cleanup/apt --include="$packages" \
  --customize-hook="$work/become \"\$1\" $base $work" bookworm "$work/root.tar" >&2
podman import --quiet --change 'CMD ["/sbin/init"]' "$work/root.tar" "$image" >/dev/null
