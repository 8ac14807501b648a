# The brick stage, whole, on a loop device that is named as the stick.

stick_is() {
    settings MKIMAGE_BRICK_DEVICE="$DEVICE" "$@"
    fake findmnt 'exit 1'
    fake findfs 'exit 1'
}

brick_state() {
    jq -r .state "$WORLD/run/parts/brick"
}

foreign_ext4() {
    loop 600
    mkfs.ext4 -q -F "$DEVICE"
    remember_device
}

a_blank_stick_becomes_the_brick_and_holds_the_state() { # test, root
    loop 600
    stick_is
    echo 'UUID=1' >"$WORLD/glusterd/glusterd.info"
    stage brick
    equal "$CODE" 0
    equal "$(brick_state)" mounted
    equal "$(cat "$WORLD/brick/.mkimage-brick")" "$CLUSTER_ID pi4-2 homelab"
    equal "$(cat "$WORLD/brick/state/glusterd/glusterd.info")" UUID=1
    equal "$(cat "$WORLD/run/state-place")" stick
    grep -q " $WORLD/swarm xfs" /proc/mounts
    equal "$(blkid -p -s LABEL -o value "$DEVICE")" pi4-2
    contains "$(xfs_db -r -c "sb 0" -c "print inodesize" "$DEVICE")" 512
}

what_lies_on_a_stick_never_gives_more_rights() { # test, root
    loop 600
    stick_is
    stage brick
    equal "$CODE" 0
    equal "$(grep -c "^$DEVICE .*nosuid,nodev" /proc/mounts)" 3
    # Nor what somebody has written to the volume.
    fake systemd-escape 'echo mnt.mount'
    contains "$(with_parts volume-mount 'write_file() { cat; }; write_mount_unit')" 'Options=_netdev,noatime,nosuid,nodev,'
}

a_link_in_place_of_the_brick_is_removed() { # test, root
    loop 600
    stick_is
    stage brick
    rm -rf "$WORLD/brick/brick"
    mkdir "$WORLD/elsewhere"
    ln -s "$WORLD/elsewhere" "$WORLD/brick/brick"
    umount "$WORLD/swarm" "$WORLD/glusterd/hooks" "$WORLD/glusterd" "$WORLD/brick"
    rm "$WORLD/run/state-place"
    stage brick
    equal "$CODE" 0
    [[ -d $WORLD/brick/brick && ! -L $WORLD/brick/brick ]]
}

a_stick_that_was_just_formatted_is_known_after_a_power_cut() { # test, root
    local cut=$WORLD/cut.img
    loop 600
    stick_is
    stage brick
    equal "$CODE" 0
    # The medium as it is at this instant, not the cache.
    dd if="$DEVICE" of="$cut" bs=1M iflag=direct conv=sparse 2>/dev/null
    DEVICE=$(losetup --find --show "$cut")
    LOOPS+=("$DEVICE")
    equal "$(with_parts contents "contents_of $DEVICE")" ours
}

running_it_again_changes_nothing() { # test, root
    local uuid
    loop 600
    stick_is
    stage brick
    uuid=$(blkid -p -s UUID -o value "$DEVICE")
    echo precious >"$WORLD/brick/brick/file"
    stage brick
    equal "$CODE" 0
    umount "$WORLD/swarm" "$WORLD/glusterd/hooks" "$WORLD/glusterd" "$WORLD/brick"
    rm "$WORLD/run/state-place"
    stage brick
    equal "$CODE" 0
    equal "$(blkid -p -s UUID -o value "$DEVICE")" "$uuid"
    equal "$(cat "$WORLD/brick/brick/file")" precious
}

a_stick_with_files_is_refused_untouched_and_the_node_goes_on() { # test, root
    foreign_ext4
    stick_is
    stage brick
    equal "$CODE" 11
    is_untouched
    contains "$WHY" 'ext4'
    contains "$WHY" 'wipe-stick'
    equal "$(brick_state)" refused
    equal "$(cat "$WORLD/run/state-place")" card
}

the_marker_on_the_card_allows_once() { # test, root
    foreign_ext4
    stick_is
    : >"$BOOT/mkimage/wipe-stick"
    stage brick
    equal "$CODE" 0
    [[ ! -e $BOOT/mkimage/wipe-stick ]]
    equal "$(brick_state)" mounted
}

# another_stick_is_refused SETTING...: takes the stick out, starts the node again and puts in one with somebody's files.
another_stick_is_refused() {
    take_stick_out
    foreign_ext4
    stick_is "$@"
    stage brick
    equal "$CODE" 11
    is_untouched
}

take_stick_out() {
    umount "$WORLD/swarm" "$WORLD/glusterd/hooks" "$WORLD/glusterd" "$WORLD/brick" 2>/dev/null || true
    rm -rf "$WORLD/run"
    mkdir -p "$WORLD/run/stages"
}

take_new_card() {
    rm -rf "$WORLD/var-lib"
    mkdir -p "$WORLD/var-lib"
}

wipe_always_formats_once_and_not_the_next_stick() { # test, root
    foreign_ext4
    stick_is MKIMAGE_BRICK_WIPE=always
    stage brick
    equal "$CODE" 0
    another_stick_is_refused MKIMAGE_BRICK_WIPE=always
}

wipe_always_is_used_up_by_a_stick_that_was_ours() { # test, root
    loop 600
    stick_is
    stage brick
    take_stick_out
    # A new image for the old stick, and weeks later another stick.
    take_new_card
    stick_is MKIMAGE_BRICK_WIPE=always
    stage brick
    equal "$CODE" 0
    another_stick_is_refused MKIMAGE_BRICK_WIPE=always
}

a_permission_is_used_up_when_formatting_is_cut_off() { # test, root
    local permission
    for permission in always if-empty; do
        take_new_card
        foreign_ext4
        stick_is MKIMAGE_BRICK_WIPE="$permission"
        [[ $permission == always ]] || : >"$BOOT/mkimage/wipe-stick"
        fake mkfs.xfs 'exit 1'
        stage brick
        equal "$CODE" 1
        rm "$WORLD/bin/mkfs.xfs"
        another_stick_is_refused MKIMAGE_BRICK_WIPE="$permission"
    done
}

wipe_never_leaves_even_a_blank_stick_alone() { # test, root
    loop 600
    remember_device
    stick_is MKIMAGE_BRICK_WIPE=never
    stage brick
    equal "$CODE" 11
    is_untouched
}

# our_stick_elsewhere SETTING...: puts pi4-2's stick into a node with a new card and these settings.
our_stick_elsewhere() {
    loop 600
    stick_is
    stage brick
    take_stick_out
    take_new_card
    remember_device
    stick_is "$@"
    stage brick
    equal "$CODE" 11
    is_untouched
}

the_stick_of_another_node_is_never_taken() { # test, root
    our_stick_elsewhere MKIMAGE_NODE=pi4-3
    contains "$WHY" 'belongs to the node pi4-2'
}

the_stick_of_another_cluster_is_never_taken() { # test, root
    our_stick_elsewhere MKIMAGE_CLUSTER_ID=ffffffffffffffffffffffffffffffff
    contains "$WHY" 'another cluster'
}

a_cut_while_formatting_is_finished_on_the_same_stick_only() { # test, root
    loop 600
    stick_is
    # mkfs was done, the mark was not.
    mkfs.xfs -q -f -m uuid=c0ffee00-0000-4000-8000-000000000001 "$DEVICE"
    with_parts stick "stick_fingerprint '$DEVICE'" >"$WORLD/fingerprint"
    printf 'c0ffee00-0000-4000-8000-000000000001 %s\n' "$(cat "$WORLD/fingerprint")" >"$WORLD/var-lib/formatting"
    stage brick
    equal "$CODE" 0
    [[ ! -e $WORLD/var-lib/formatting ]]
}

an_xfs_of_somebody_else_is_not_taken_for_an_unfinished_one() { # test, root
    loop 600
    stick_is
    mkfs.xfs -q -f "$DEVICE"
    remember_device
    with_parts stick "stick_fingerprint '$DEVICE'" >"$WORLD/fingerprint"
    printf 'c0ffee00-0000-4000-8000-000000000001 %s\n' "$(cat "$WORLD/fingerprint")" >"$WORLD/var-lib/formatting"
    stage brick
    equal "$CODE" 11
    is_untouched
}

without_a_stick_nothing_is_written_below_its_mount_point() { # test, root
    loop 600
    stick_is
    stage brick
    umount "$WORLD/swarm" "$WORLD/glusterd/hooks" "$WORLD/glusterd" "$WORLD/brick"
    fails mkdir "$WORLD/brick/brick"
    fails touch "$WORLD/brick/file"
}

without_a_stick_the_node_goes_on_from_the_card() { # test, root
    settings MKIMAGE_BRICK_DEVICE=/dev/does-not-exist
    fake findmnt 'exit 1'
    stage brick
    equal "$CODE" 11
    equal "$(cat "$WORLD/run/state-place")" card
    equal "$(brick_state)" missing
}

two_sticks_are_never_guessed_between() { # test, root
    local first
    loop 600
    first=$DEVICE
    loop 600
    settings
    fake findmnt 'exit 1'
    fake findfs 'exit 1'
    # shellcheck disable=SC2016
    fake lsblk 'case "$*" in
        *-P*) printf "%s\n" "NAME=\"'"${first#/dev/}"'\" TYPE=\"disk\" TRAN=\"usb\" SIZE=\"1\" RO=\"0\"" "NAME=\"'"${DEVICE#/dev/}"'\" TYPE=\"disk\" TRAN=\"usb\" SIZE=\"1\" RO=\"0\"" ;;
    esac'
    stage brick
    equal "$CODE" 11
    contains "$WHY" "$first"
    contains "$WHY" "$DEVICE"
    # If one of them is the node's own, it need not guess.
    rm -rf "$WORLD/run"
    mkdir -p "$WORLD/run/stages" "$WORLD/mnt"
    mkfs.xfs -q -f "$first"
    mount "$first" "$WORLD/mnt"
    echo "$CLUSTER_ID pi4-2 homelab" >"$WORLD/mnt/.mkimage-brick"
    umount "$WORLD/mnt"
    stage brick
    equal "$CODE" 0
    grep -q "^$first $WORLD/brick " /proc/mounts
}

a_stick_that_is_slow_for_a_moment_stops_nothing() { # test, root
    local try
    loop 600
    stick_is
    stage brick
    equal "$CODE" 0
    # shellcheck disable=SC2016
    fake systemctl 'echo "$*" >>"$MKIMAGE_RUN/systemctl.log"'
    # shellcheck disable=SC2016
    fake dd 'case "$*" in *iflag=direct*) exit 1 ;; esac; exec /usr/bin/dd "$@"'
    for try in 1 2; do
        stage brick
        equal "$CODE" 1
        contains "$WHY" 'slow'
        [[ ! -e $WORLD/run/systemctl.log ]]
    done
    rm "$WORLD/bin/dd"
    stage brick
    equal "$CODE" 0
    [[ ! -e $WORLD/run/tries/stick-slow && ! -e $WORLD/run/systemctl.log ]]
}
