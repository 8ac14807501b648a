contents() {
    # shellcheck disable=SC2016
    with_parts contents "contents_of '$1'"
}

# shop_stick TYPE: one partition with that file system, as sticks are sold; $DEVICE.
shop_stick() {
    loop 64
    case $1 in
        vfat)
            printf 'label: dos\nstart=2048, type=c\n' | partition
            mkfs.vfat -F 32 -n STICK "${DEVICE}p1" >/dev/null 2>&1
            ;;
        exfat)
            printf 'label: dos\nstart=2048, type=7\n' | partition
            mkfs.exfat "${DEVICE}p1" >/dev/null
            ;;
    esac
    mkdir -p "$WORLD/files/System Volume Information"
    : >"$WORLD/files/System Volume Information/WPSettings.dat"
    pretend_mounts "$WORLD/files"
}

marked_xfs() {
    loop 320
    mkfs.xfs -q -f "$DEVICE"
    mkdir "$WORLD/mnt"
    mount "$DEVICE" "$WORLD/mnt"
    [[ -z $1 ]] || printf '%s\n' "$1" >"$WORLD/mnt/.mkimage-brick"
    umount "$WORLD/mnt"
}

a_blank_stick_is_disposable() { # test, root
    loop 64
    equal "$(contents "$DEVICE")" blank
}

data_without_a_file_system_is_not_blank() { # test, root
    loop 64
    printf x | dd of="$DISK" bs=1 seek=$((64 * 1048576 - 1)) conv=notrunc status=none
    contains "$(contents "$DEVICE")" 'files data that is not in a file system'
    loop 64
    printf x | dd of="$DISK" bs=1 seek=600000 conv=notrunc status=none
    contains "$(contents "$DEVICE")" 'files data that is not in a file system'
}

a_new_fat32_stick_is_disposable() { # test, root
    shop_stick vfat
    equal "$(contents "$DEVICE")" shop
}

a_new_exfat_stick_is_disposable() { # test, root
    shop_stick exfat
    equal "$(contents "$DEVICE")" shop
}

what_shops_put_on_a_stick_does_not_count_as_the_users() { # test, root
    shop_stick vfat
    : >"$WORLD/files/SanDiskSecureAccessV3_win.exe"
    : >"$WORLD/files/autorun.inf"
    : >"$WORLD/files/.DS_Store"
    mkdir -p "$WORLD/files/empty folder/inside"
    equal "$(contents "$DEVICE")" shop
}

# stick_with_a_file TYPE FILE
stick_with_a_file() {
    shop_stick "$1"
    mkdir -p "$WORLD/files/$(dirname "$2")"
    : >"$WORLD/files/$2"
}

a_fat32_stick_with_files_is_never_disposable() { # test, root
    stick_with_a_file vfat DCIM/100/IMG_1.JPG
    contains "$(contents "$DEVICE")" 'files a vfat file system with files on it, such as "DCIM/100/IMG_1.JPG"'
}

an_exfat_stick_with_files_is_never_disposable() { # test, root
    stick_with_a_file exfat thesis.odt
    contains "$(contents "$DEVICE")" 'such as "thesis.odt"'
}

a_users_file_is_not_excused_by_a_shops_name_elsewhere() { # test, root
    stick_with_a_file vfat backup/autorun.inf
    contains "$(contents "$DEVICE")" 'such as "backup/autorun.inf"'
}

a_file_system_that_cannot_be_read_is_never_disposable() { # test, root
    shop_stick vfat
    fake mount 'exit 32'
    contains "$(contents "$DEVICE")" 'that cannot be read here'
}

a_deleted_file_in_the_bin_is_still_the_users() { # test, root
    shop_stick vfat
    mkdir -p "$WORLD/files/\$RECYCLE.BIN/S-1-5"
    : >"$WORLD/files/\$RECYCLE.BIN/S-1-5/desktop.ini"
    equal "$(contents "$DEVICE")" shop
    : >"$WORLD/files/\$RECYCLE.BIN/S-1-5/photo.jpg"
    contains "$(contents "$DEVICE")" 'photo.jpg'
}

two_partitions_are_never_disposable() { # test, root
    loop 64
    printf 'label: gpt\nsize=10M\nsize=10M\n' | partition
    contains "$(contents "$DEVICE")" 'files 2 partitions'
}

a_foreign_ext4_is_not_even_touched_by_looking() { # test, root
    loop 64
    mkfs.ext4 -q -F "$DEVICE"
    mkdir "$WORLD/mnt"
    mount "$DEVICE" "$WORLD/mnt"
    echo mine >"$WORLD/mnt/file"
    # A journal that is not replayed yet: even a read-only mount would write then.
    sync -f "$WORLD/mnt"
    xfs_io -x -c 'shutdown -f' "$WORLD/mnt"
    umount "$WORLD/mnt"
    remember_device
    contains "$(contents "$DEVICE")" 'files a file system of type ext4'
    is_untouched
}

a_foreign_xfs_is_not_even_touched_by_looking() { # test, root
    marked_xfs ''
    mount "$DEVICE" "$WORLD/mnt"
    echo mine >"$WORLD/mnt/file"
    xfs_io -x -c 'shutdown -f' "$WORLD/mnt"
    umount "$WORLD/mnt"
    remember_device
    contains "$(contents "$DEVICE")" 'XFS file system that mkimage did not make'
    is_untouched
}

our_own_stick_is_known_again() { # test, root
    marked_xfs "$CLUSTER_ID pi4-2 homelab"
    equal "$(contents "$DEVICE")" ours
}

the_stick_of_another_node_is_known_as_such() { # test, root
    marked_xfs "$CLUSTER_ID pi4-3 homelab"
    equal "$(contents "$DEVICE")" 'other-node pi4-3'
}

the_stick_of_another_cluster_is_known_as_such() { # test, root
    marked_xfs 'ffffffffffffffffffffffffffffffff pi4-2 attic'
    equal "$(contents "$DEVICE")" 'other-cluster pi4-2 of attic'
}

what_is_refused_anyway_is_not_even_mounted() { # test, root
    loop 300
    mkfs.ext4 -q -F "$DEVICE"
    # shellcheck disable=SC2016
    fake mount 'echo "$*" >>"$MKIMAGE_RUN/mounted"; exit 1'
    contains "$(contents "$DEVICE")" 'files a file system of type ext4'
    [[ ! -e $WORLD/run/mounted ]]
}
