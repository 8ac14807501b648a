#!/bin/sh
# Runs inside the making of the root file system: makes Debian look like a fresh Raspberry Pi OS Lite, and draws
# the packages that first boots will ask for through the cache.
#
#     image_rootfs.sh ROOT PACKAGE...
set -eu

root=$1
shift

# One user with uid 1000 and no password, as every Raspberry Pi OS image has.
for group in gpio i2c spi render input netdev plugdev; do
    chroot "$root" groupadd --force --system "$group"
done
chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash \
    --groups adm,dialout,cdrom,sudo,audio,video,plugdev,games,users,input,render,netdev,gpio,i2c,spi pi

# The FAT is mounted by the lab, not by fstab: its kernel may have no vfat.
printf 'proc /proc proc defaults 0 0\n' >"$root/etc/fstab"
mkdir -p "$root/boot/firmware"

mkdir -p "$root/etc/cloud/cloud.cfg.d"
cat >"$root/etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg" <<'CONFIG'
datasource_list: [NoCloud, None]
datasource:
  NoCloud:
    seedfrom: file:///boot/firmware
CONFIG
mkdir -p "$root/usr/lib/netplan"
printf 'network:\n  version: 2\n  renderer: NetworkManager\n' >"$root/usr/lib/netplan/00-network-manager-all.yaml"
chmod 0600 "$root/usr/lib/netplan/00-network-manager-all.yaml"

# The real image's first boot does this by itself.
rm -f "$root"/etc/ssh/ssh_host_*
printf 'raspberrypi\n' >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 raspberrypi\n' >"$root/etc/hosts"
printf '' >"$root/etc/machine-id"
printf 'en_GB.UTF-8 UTF-8\n' >"$root/etc/locale.gen"
chroot "$root" locale-gen >/dev/null
printf 'LANG=en_GB.UTF-8\n' >"$root/etc/default/locale"

# ssh is off until the file `ssh` lies on the boot partition, and makes its own keys then.
cat >"$root/etc/systemd/system/regenerate_ssh_host_keys.service" <<'UNIT'
[Unit]
Description=Make the host keys that are missing
Before=ssh.service
[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A
[Install]
WantedBy=multi-user.target
UNIT
cat >"$root/etc/systemd/system/sshswitch.service" <<'UNIT'
[Unit]
Description=Switch ssh on when the boot partition asks for it
ConditionPathExistsGlob=/boot/firmware/ssh{,.txt}
After=regenerate_ssh_host_keys.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'systemctl enable --now --no-block ssh && rm -f /boot/firmware/ssh /boot/firmware/ssh.txt'
[Install]
WantedBy=multi-user.target
UNIT
chroot "$root" systemctl --quiet disable ssh.service ssh.socket
chroot "$root" systemctl --quiet enable regenerate_ssh_host_keys.service sshswitch.service

# Twice, because what apt recommends differs from what a careful script asks for.
for recommends in true false; do
    chroot "$root" apt-get -qq -y --download-only -o Dir::Cache::archives=/var/tmp/ \
        -o APT::Install-Recommends="$recommends" install "$@"
done
# The index files that a first boot's `apt-get update` asks for and the build above did not.
chroot "$root" env -u APT_CONFIG apt-get -qq -o Acquire::Languages=en update
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap"
rm -rf "$root"/var/tmp/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
