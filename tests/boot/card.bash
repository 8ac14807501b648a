# shellcheck shell=bash disable=SC2154 # see "Set by the caller"
# Reads the boot partition of an image file with mtools, at the offset in its partition table.
# Set by the caller: work.

boot_offset() {
    sfdisk -J "$1" | jq '.partitiontable | .partitions[0].start * (.sectorsize // 512)'
}

# read_boot_files IMAGE FOLDER: copies the boot partition to a folder.
read_boot_files() {
    mcopy -s -n -m -i "$1@@$(boot_offset "$1")" ::/ "$2"
}

# setting FILE NAME: prints a value of mkimage/settings, which is a list of shell assignments.
setting() {
    (
        set +u
        # shellcheck source=/dev/null
        source "$1"
        printf '%s' "${!2}"
    )
}

# Checks that after the first boot the user can read the log on a laptop, and nobody can read the node's secrets.
check_card() {
    local image=$1 after=$work/after
    mkdir "$after"
    read_boot_files "$image" "$after"
    check "the card's boot partition has a log of the first boot" test -s "$after/mkimage/firstboot.log"
    check "the card's boot partition has a status file" jq -e .version "$after/mkimage/status.json"
    check "no secrets folder is left on the boot partition" no_files_in "$after/mkimage/secrets"
    check "no private key can be read from the boot partition's raw sectors" no_private_key "$image"
}

no_files_in() {
    [[ -z $(find "$1" -type f 2>/dev/null) ]]
}

no_private_key() {
    local image=$1 sector=512 start size
    read -r start size < <(sfdisk -J "$image" | jq -r '.partitiontable.partitions[0] | "\(.start) \(.size)"')
    ! dd if="$image" bs=$sector skip="$start" count="$size" status=none | grep -a -q 'OPENSSH PRIVATE KEY'
}
