# lsblk_says LINES: what `lsblk -d -P` prints; the system is on the disks in $SYSTEM.
lsblk_says() {
    printf '%s\n' "$1" >"$WORLD/lsblk"
    export SYSTEM=${SYSTEM:-mmcblk0}
    # shellcheck disable=SC2016
    fake lsblk 'case "$*" in
        *-P*) cat "'"$WORLD"'/lsblk" ;;
        *PKNAME*) case "$*" in *'"${SYSTEM}"'*) echo "'"$SYSTEM"'" ;; esac ;;
    esac'
    fake findmnt "echo /dev/${SYSTEM}p2"
    fake findfs 'exit 1'
}

candidates() {
    with_parts stick stick_candidates | tr '\n' ' '
}

CARD='NAME="mmcblk0" TYPE="disk" TRAN="mmc" SIZE="32000000000" RO="0"'
STICK='NAME="sda" TYPE="disk" TRAN="usb" SIZE="100000000000" RO="0"'
OTHER='NAME="sdb" TYPE="disk" TRAN="usb" SIZE="64000000000" RO="0"'
EMPTY_READER='NAME="sdc" TYPE="disk" TRAN="usb" SIZE="0" RO="0"'
SATA='NAME="sdd" TYPE="disk" TRAN="sata" SIZE="64000000000" RO="0"'

the_one_usb_disk_is_the_stick() { # test
    lsblk_says "$CARD
$STICK
$EMPTY_READER
$SATA"
    equal "$(candidates)" '/dev/sda '
}

without_a_stick_nothing_else_is_taken_for_it() { # test
    lsblk_says "$CARD
$SATA"
    equal "$(candidates)" ''
}

two_sticks_are_both_named() { # test
    lsblk_says "$STICK
$OTHER"
    equal "$(candidates)" '/dev/sda /dev/sdb '
}

the_boot_disk_on_usb_is_never_the_stick() { # test
    SYSTEM=sda lsblk_says "$STICK
$OTHER"
    equal "$(candidates)" '/dev/sdb '
}

a_named_device_that_is_not_there_is_not_replaced_by_another() { # test
    settings MKIMAGE_BRICK_DEVICE=/dev/disk/by-id/usb-nowhere
    lsblk_says "$STICK"
    equal "$(candidates)" ''
}

a_stick_that_the_system_runs_from_is_refused_even_when_named() { # test
    SYSTEM=sda lsblk_says "$STICK"
    with_parts stick 'is_system_disk /dev/sda'
    fails with_parts stick 'is_system_disk /dev/sdb'
}
