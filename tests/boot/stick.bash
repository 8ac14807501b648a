# shellcheck shell=bash disable=SC2016 # quoted commands are expanded on the node
# Tests a USB stick as it comes from the shop. No other test has a real USB stack and a kernel with FAT support.

# Creates a disk of 100 GB with a FAT32 partition and the folder that a Windows PC adds to every disk.
make_shop_stick() {
    local stick=$1 sector=512 start=2048 sectors
    truncate -s 100G "$stick"
    sectors=$((100 * 1024 * 1024 * 1024 / sector - start))
    sfdisk --quiet "$stick" <<<"start=$start, size=$sectors, type=c"
    mkfs.vfat -F 32 -s 128 -n STICK --offset=$start "$stick" $((sectors * sector / 1024)) >/dev/null 2>&1
    mmd -i "$stick@@$((start * sector))" '::/System Volume Information'
    printf '{00000000-0000-0000-0000-000000000000}' |
        mcopy -i "$stick@@$((start * sector))" - '::/System Volume Information/IndexerVolumeGuid'
}

# ask_library PARTS COMMAND: calls the node's own library without starting or writing anything.
ask_library() {
    login "sudo -n sh -c '. /usr/local/lib/mkimage/start; use $1; $2'"
}

check_stick() {
    local listing
    listing=$(login 'lsblk -o NAME,TRAN,RM,SIZE,TYPE,FSTYPE,LABEL,MOUNTPOINTS') || true
    if grep -Eq '^sda +usb ' <<<"$listing"; then
        passed 'lsblk sees the stick as a USB disk'
    else
        failed 'lsblk sees the stick as a USB disk'
    fi
    quote <<<"$listing"
    check_equal 'the node would take the stick for its brick, and nothing else' /dev/sda \
        "$(ask_library 'stick' stick_candidates)"
    check_equal 'and sees that it is fresh from the shop' shop \
        "$(ask_library 'stick contents' 'contents_of /dev/sda')"
}
