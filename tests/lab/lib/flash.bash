# Flashing: an image file becomes a card. The root file system is loop-mounted; the FAT, which this kernel cannot
# mount, becomes a folder that is bound where the image mounts it.

readonly FLASH_BOOT_OFFSET=$((16384 * 512))
readonly FLASH_ROOT_OFFSET=$(((16384 + 512 * 2048) * 512))
readonly FLASH_CARD_SIZE=6G

# flash NODE IMAGE: throws the node's old card away.
flash() {
    local node=$1 image=$2 folder=$LAB_SCRATCH/nodes/$1
    card_eject "$node"
    rm -rf --one-file-system -- "${folder:?}/card.img" "${folder:?}/boot"
    mkdir -p -- "$folder/root" "$folder/boot"
    cp --sparse=always --reflink=auto -- "$image" "$folder/card.img"
    mcopy -s -n -m -i "$folder/card.img@@$FLASH_BOOT_OFFSET" ::/ "$folder/boot" 2>/dev/null
    # As a mounted FAT looks: every file executable, and a root folder without the date that mcopy makes up for it.
    chmod -R 0755 -- "$folder/boot"
    touch -- "$folder/boot"
    # The image's own `resize` does this on a Pi.
    truncate -s "$FLASH_CARD_SIZE" "$folder/card.img"
    local device
    device=$(losetup --find --show --offset "$FLASH_ROOT_OFFSET" -- "$folder/card.img")
    e2fsck -fp "$device" >/dev/null || (($? < 2))
    resize2fs "$device" >/dev/null 2>&1
    losetup --detach "$device"
    card_insert "$node"
}

# Asked of the kernel's table, because a file system that was cut off does not even answer for its root folder.
is_mounted() {
    awk -v place="$1" '$5 == place { found = 1 } END { exit !found }' /proc/self/mountinfo
}

# card_insert NODE: mounts the card; its journal is replayed when the last power-off was none.
card_insert() {
    local folder=$LAB_SCRATCH/nodes/$1
    ! is_mounted "$folder/root" || return 0
    mount -o "loop,offset=$FLASH_ROOT_OFFSET" "$folder/card.img" "$folder/root"
}

card_eject() {
    local folder=$LAB_SCRATCH/nodes/$1 tries
    # Until the kernel has let go of its device as well: a dying node's own view of the mount keeps it alive for a
    # moment, and would be what the next mount gets.
    for ((tries = 0; tries < 300; tries++)); do
        if is_mounted "$folder/root"; then
            umount "$folder/root" 2>/dev/null || true
        elif [[ ! -e $folder/card.img || -z $(losetup --noheadings --associated "$folder/card.img") ]]; then
            return 0
        fi
        sleep 0.1
    done
    fail "the card of $1 is still in use"
}
