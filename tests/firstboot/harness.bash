# The world of a test: a node's settings, folders of its own in place of the system's, and programs that only pretend.

FIRSTBOOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../firstboot" && pwd)
CLUSTER_ID=0123456789abcdef0123456789abcdef

in_a_fresh_world() {
    WORLD=$(mktemp -d)
    trap leave_the_world EXIT
    export MKIMAGE_LIB=$FIRSTBOOT/lib MKIMAGE_ETC=$WORLD/etc MKIMAGE_RUN=$WORLD/run MKIMAGE_VAR_DIR=$WORLD/var-lib
    export MKIMAGE_BRICK_MOUNT=$WORLD/brick MKIMAGE_GLUSTERD_DIR=$WORLD/glusterd MKIMAGE_SWARM_DIR=$WORLD/swarm
    export MKIMAGE_BRICK_WAIT=0 MKIMAGE_GLUSTERD_VOL=$WORLD/glusterd.vol
    BOOT=$WORLD/boot
    LOOPS=()
    mkdir -p "$WORLD"/{etc/secrets,run/stages,var-lib,brick,glusterd,swarm,boot/mkimage,bin}
    PATH=$WORLD/bin:/usr/sbin:/usr/bin:/sbin:/bin
    export PATH
    settings
    printf '%s\n' 'pi4-1 manager pi4-1.local yes 10.77.0.1 key1=' 'pi4-2 worker pi4-2.local yes 10.77.0.2 key2=' \
        'pi4-3 worker pi4-3.local yes 10.77.0.3 key3=' 'pi3-1 worker pi3-1.local no 10.77.0.4 key4=' >"$WORLD/etc/nodes"
    printf 'volume management\n    type mgmt/glusterd\nend-volume\n' >"$WORLD/glusterd.vol"
    fake systemctl 'exit 0'
    fake ping 'exit 0'
    "$1"
}

leave_the_world() {
    local device
    set +e
    awk -v world="$WORLD" 'index($2, world) == 1 { print $2 }' /proc/mounts | sort -r | while read -r place; do
        umount -- "$place" 2>/dev/null || umount -l -- "$place"
    done
    for device in "${LOOPS[@]}"; do
        losetup -d "$device" 2>/dev/null
    done
    chattr -i "$WORLD/brick" 2>/dev/null
    rm -rf --one-file-system -- "$WORLD"
}

# settings NAME=VALUE...: the settings of pi4-2, with these values instead.
settings() {
    local line
    cat -- "$FIRSTBOOT/../docs/settings.example" - >"$WORLD/etc/settings" <<SETTINGS
MKIMAGE_CLUSTER_ID='$CLUSTER_ID'
MKIMAGE_NODE='pi4-2'
MKIMAGE_ROLE='worker'
MKIMAGE_USER='ada'
MKIMAGE_ADDRESS='192.168.1.32/24'
MKIMAGE_PRIVATE_NETWORK='10.77.0.0/24'
MKIMAGE_DOMAIN=''
MKIMAGE_TIMEZONE='Etc/UTC'
MKIMAGE_LOCALE=''
MKIMAGE_KEYBOARD='gb'
MKIMAGE_WIFI_COUNTRY=''
MKIMAGE_SWARM_POOL=''
MKIMAGE_BOOT='$BOOT'
SETTINGS
    for line; do
        printf "%s='%s'\n" "${line%%=*}" "${line#*=}" >>"$WORLD/etc/settings"
    done
}

# fake PROGRAM SCRIPT
fake() {
    printf '#!/bin/sh\n%s\n' "$2" >"$WORLD/bin/$1"
    chmod +x "$WORLD/bin/$1"
}

# with_parts 'PARTS' CODE: runs CODE in the node's own shell with those parts of the library.
with_parts() {
    # shellcheck disable=SC2016 # (the inner shell expands it)
    dash -c '. "$MKIMAGE_LIB/start"; use $1; eval "$2"' sh "$1" "$2"
}

# stage NAME: runs it; its exit code in $CODE, its sentence in $WHY.
stage() {
    CODE=0
    dash "$MKIMAGE_LIB/stages/$1" >"$WORLD/stage.out" 2>&1 || CODE=$?
    WHY=$(cat "$WORLD/run/stages/$1.why" 2>/dev/null || true)
    cat "$WORLD/stage.out"
    printf 'stage %s ended %s: %s\n' "$1" "$CODE" "$WHY"
}

equal() {
    [[ $1 == "$2" ]] || {
        printf 'expected: %s\n     got: %s\n' "$2" "$1"
        return 1
    }
}

contains() {
    [[ $1 == *"$2"* ]] || {
        printf 'expected to contain: %s\n                got: %s\n' "$2" "$1"
        return 1
    }
}

fails() {
    if "$@"; then
        printf 'did not fail: %s\n' "$*"
        return 1
    fi
}

# until_true SECONDS COMMAND...: waits for it; the limit only ends a test that has failed.
until_true() {
    local limit=$1 begun=$SECONDS
    shift
    until "$@"; do
        ((SECONDS - begun < limit)) || {
            printf 'never became true: %s\n' "$*"
            return 1
        }
        sleep 0.2
    done
}

# loop MIB: a disk of that size in $DEVICE, with its partitions if it gets any.
loop() {
    local file
    file=$(mktemp -p "$WORLD" disk.XXXXXX)
    truncate -s "${1}M" "$file"
    loop_of "$file"
}

loop_of() {
    DEVICE=$(losetup --find --show --partscan "$1")
    LOOPS+=("$DEVICE")
    DISK=$1
}

# remember_device, is_untouched: whether everything on $DEVICE is as it was. A CRC is enough against a stray write, and far
# faster than a hash.
remember_device() {
    DEVICE_SUM=$(cksum <"$DEVICE")
}

is_untouched() {
    equal "$(cksum <"$DEVICE")" "$DEVICE_SUM"
}

partition() {
    sfdisk --quiet "$DEVICE" >/dev/null
    partx -u "$DEVICE" 2>/dev/null || true
    until_true 10 test -b "${DEVICE}p1"
}

# This machine's kernel may know neither vfat nor exfat: the file systems are real, their mount is a folder.
# pretend_mounts FOLDER: what such a file system holds.
pretend_mounts() {
    FAKE_FILES=$1
    export FAKE_FILES
    # shellcheck disable=SC2016
    fake mount 'case "$*" in
        *"-t vfat"* | *"-t exfat"* | *"-t ntfs3"*)
            for at; do :; done
            exec /bin/mount --bind "$FAKE_FILES" "$at"
            ;;
    esac
    exec /bin/mount "$@"'
}
