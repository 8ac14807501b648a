# Signs that card or stick will fail.

# a_disk: mounted as the stick; what the kernel says of it is in kernel-says.
a_disk() {
    loop 600
    mkfs.xfs -q -f "$DEVICE"
    mount "$DEVICE" "$WORLD/brick"
    : >"$WORLD/kernel-says"
    # shellcheck disable=SC2016
    fake journalctl 'cat "$MKIMAGE_RUN/../kernel-says"'
    # The test's own root is nobody's card.
    # shellcheck disable=SC2016
    fake findmnt 'case "$*" in *"--target /") exit 1 ;; esac; exec /usr/bin/findmnt "$@"'
}

a_disk_that_is_well_is_not_complained_of() { # test, root
    a_disk
    printf 'blk_update_request: I/O error, dev sdz, sector 0\n%.0s' 1 2 3 4 >"$WORLD/kernel-says"
    stage wear
    equal "$CODE" 0
    equal "$WHY" ''
}

a_disk_with_errors_is_told_before_it_fails() { # test, root
    a_disk
    printf "I/O error, dev ${DEVICE#/dev/}, sector %s op 0x1:(WRITE)\n" 8 16 >"$WORLD/kernel-says"
    stage wear
    equal "$WHY" ''
    printf "I/O error, dev ${DEVICE#/dev/}, sector %s op 0x1:(WRITE)\n" 8 16 24 >"$WORLD/kernel-says"
    stage wear
    equal "$CODE" 0
    contains "$WHY" 'the stick has failed to read or write 3 times'
}

a_file_system_that_was_found_damaged_is_told() { # test, root
    a_disk
    export MKIMAGE_FILE_SYSTEMS=$WORLD/ext4
    mkdir -p "$WORLD/ext4/${DEVICE#/dev/}"
    echo 2 >"$WORLD/ext4/${DEVICE#/dev/}/errors_count"
    stage wear
    contains "$WHY" 'found damaged 2 times'
}

a_disk_that_is_getting_full_is_told() { # test, root
    a_disk
    fallocate -l 480M "$WORLD/brick/file"
    stage wear
    contains "$WHY" 'the stick is 9'
    contains "$WHY" '% full'
}

a_disk_that_takes_nothing_any_more_is_told_first() { # test, root
    a_disk
    fallocate -l 480M "$WORLD/brick/file"
    mount -o remount,ro "$WORLD/brick"
    stage wear
    contains "$WHY" 'can only be read'
}
