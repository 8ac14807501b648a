# Sticks that are there and cannot be used: write-protected, damaged, false. Real file systems on loop devices, and a disk that lies.

# shellcheck source=brick.bash
source "$(dirname -- "${BASH_SOURCE[0]}")/brick.bash"

# a_node_with_its_stick: the stick holds the state, and the card has a copy of it. Commands to services are in services.log.
a_node_with_its_stick() {
    loop 600
    stick_is
    echo 'UUID=1' >"$WORLD/glusterd/glusterd.info"
    stage brick
    equal "$CODE" 0
    fake docker 'echo "inactive false -"'
    fake gluster 'exit 0'
    dash "$MKIMAGE_LIB/state-copy"
    # shellcheck disable=SC2016
    fake systemctl 'case "$1" in
        is-active) echo active ;;
        *) echo "$*" >>"$MKIMAGE_RUN/services.log" ;;
    esac'
    # shellcheck disable=SC2016
    fake sleep 'exit 0'
}

goes_on_from_the_card() {
    equal "$CODE" 11
    equal "$(cat "$WORLD/run/state-place")" card
    equal "$(brick_state)" refused
    equal "$(cat "$WORLD/glusterd/glusterd.info")" UUID=1
    fails grep -q " $WORLD/glusterd " /proc/mounts
    fails grep -q " $WORLD/brick " /proc/mounts
}

# services_stop TIMES
services_stop() {
    equal "$(grep -c '^stop docker.socket' "$WORLD/run/services.log")" "$1"
}

# whatever_is_tried: the stage again and again, as the driver would. A stick that does not answer may only be slow, twice.
whatever_is_tried() {
    local try
    until stage brick && ((CODE != 1)); do
        contains "$WHY" 'slow'
    done
    for try in 1 2 3 4; do
        stage brick
        goes_on_from_the_card
    done
}

damage_the_log() {
    local start size
    start=$(xfs_db -r -c 'sb 0' -c 'convert fsblock '"$(xfs_db -r -c 'sb 0' -c 'print logstart' "$DEVICE" | sed 's/.*= //')"' daddr' "$DEVICE" | sed 's/.*(\([0-9]*\)).*/\1/')
    size=$(xfs_db -r -c 'sb 0' -c 'print logblocks' "$DEVICE" | sed 's/.*= //')
    # The blocks' cycle numbers and checksums, but no end of the log that would look clean.
    head -c $((size * 4096)) /dev/urandom | dd of="$DEVICE" bs=512 seek="$start" conv=notrunc,fsync 2>/dev/null
}

a_write_protected_stick_at_boot_leaves_the_state_on_the_card() { # test, root
    a_node_with_its_stick
    take_stick_out
    blockdev --setro "$DEVICE"
    MKIMAGE_BOOT_BRICK_WAIT=0 dash "$MKIMAGE_LIB/state-at-boot" start
    equal "$(cat "$WORLD/run/state-place")" card
    whatever_is_tried
    contains "$WHY" 'write-protected'
    [[ ! -e $WORLD/run/services.log ]]
    # The owner moves its switch.
    blockdev --setrw "$DEVICE"
    stage brick
    equal "$CODE" 0
    equal "$(cat "$WORLD/run/state-place")" stick
    services_stop 1
}

a_stick_that_ends_as_read_only_stops_services_once() { # test, root
    a_node_with_its_stick
    echo more >"$WORLD/brick/brick/file"
    blockdev --setro "$DEVICE"
    xfs_io -x -c shutdown "$WORLD/brick"
    whatever_is_tried
    contains "$WHY" 'write-protected'
    services_stop 1
}

a_stick_with_a_damaged_log_stops_services_once() { # test, root
    a_node_with_its_stick
    echo more >"$WORLD/brick/brick/file"
    xfs_io -x -c shutdown "$WORLD/brick"
    damage_the_log
    whatever_is_tried
    contains "$WHY" 'cannot be used'
    services_stop 1
}

a_stick_that_turned_read_only_is_seen_before_anything_is_written() { # test, root
    a_node_with_its_stick
    blockdev --setro "$DEVICE"
    whatever_is_tried
    services_stop 1
}

a_first_boot_goes_on_without_a_write_protected_stick() { # test, root
    loop 600
    stick_is
    blockdev --setro "$DEVICE"
    stage brick
    equal "$CODE" 11
    contains "$WHY" 'write-protected'
    equal "$(cat "$WORLD/run/state-place")" card
    equal "$(brick_state)" refused
}

a_new_card_goes_on_without_its_damaged_stick() { # test, root
    a_node_with_its_stick
    echo more >"$WORLD/brick/brick/file"
    xfs_io -x -c shutdown "$WORLD/brick"
    take_stick_out
    take_new_card
    damage_the_log
    stage brick
    equal "$CODE" 11
    equal "$(cat "$WORLD/run/state-place")" card
    [[ $WHY != *mkfs* ]]
    # It may hold the last copy of a file.
    fails blkid -p -s UUID "$DEVICE" -o value -n ext4
}

a_stick_that_cannot_be_formatted_is_told_with_a_reason() { # test, root
    loop 600
    stick_is
    fake mkfs.xfs 'echo "mkfs.xfs: pwrite failed: Input/output error" >&2; exit 1'
    stage brick
    equal "$CODE" 11
    contains "$WHY" 'pwrite failed: Input/output error'
    equal "$(cat "$WORLD/run/state-place")" card
}

# lying_stick KIND: a disk that says it has 1 GiB and has 256 MiB. The rest `wraps` round to the beginning, or is lost: it
# `drops`. The kernel here has no device mapper, so a program answers for it.
lying_stick() {
    local file=$WORLD/lying.img inside
    : >"$file"
    truncate -s 256M "$WORLD/real.img"
    case $1 in
        wraps) inside='at=$(($4 % 268435456))' ;;
        drops) inside='at=$4; [ "$at" -lt 268435456 ] || at=none' ;;
    esac
    # shellcheck disable=SC2016 # nbdkit's shell expands it
    nbdkit -f -U - eval get_size='echo 1G' can_write='exit 0' can_flush='exit 0' flush='exit 0' \
        pread="$inside"'; [ "$at" != none ] || exec head -c "$3" /dev/zero
            exec dd if='"$WORLD/real.img"' iflag=skip_bytes,count_bytes,fullblock skip="$at" count="$3" bs=1M status=none' \
        pwrite="$inside"'; [ "$at" != none ] || exec cat >/dev/null
            exec dd of='"$WORLD/real.img"' oflag=seek_bytes seek="$at" bs=1M iflag=fullblock conv=notrunc status=none' \
        --run 'exec nbdfuse "'"$file"'" "$uri"' >"$WORLD/lies.log" 2>&1 &
    until_true 20 grep -q " $file fuse" /proc/mounts
    # Not through the cache, which would not lie.
    DEVICE=$(losetup --find --show --direct-io=on "$file")
    LOOPS+=("$DEVICE")
}

a_stick_that_lies_about_its_size_is_told_at_the_door() { # test, root
    local kind
    for kind in wraps drops; do
        lying_stick "$kind"
        stick_is
        stage brick
        equal "$CODE" 11
        contains "$WHY" 'does not keep what is written to it'
        equal "$(cat "$WORLD/run/state-place")" card
        equal "$(brick_state)" refused
        # Not again and again while it is plugged in.
        fake dd 'case "$*" in *of=/dev/loop*) exit 1 ;; esac; exec /usr/bin/dd "$@"'
        stage brick
        equal "$CODE" 11
        contains "$WHY" 'does not keep what is written to it'
        rm "$WORLD/bin/dd"
        losetup -d "$DEVICE"
        umount "$WORLD/lying.img"
    done
}
