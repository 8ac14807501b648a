# The USB sticks: sparse files behind loop devices. A stick outlives its node's card.

STICK_MIB=${MKLAB_STICK_MIB:-1024}
declare -A STICK_DEVICE=() STICK_SOCKET=()

# stick_insert NODE FILE: plays FILE as the node's stick; made empty when it is not there.
stick_insert() {
    local node=$1 file=$2 device descriptor
    [[ -e $file ]] || truncate -s "${STICK_MIB}M" "$file"
    device=$(losetup --find --show -- "$file")
    # Detached at once and held open by this shell: the kernel lets go of it when the session dies, however it dies.
    exec {descriptor}<"$device"
    losetup --detach "$device"
    STICK_DEVICE[$node]=$device
    STICK_SOCKET[$node]=$descriptor
}

# The node must be off.
stick_remove() {
    local node=$1 descriptor=${STICK_SOCKET[$1]-}
    [[ -n $descriptor ]] || return 0
    exec {descriptor}<&-
    unset "STICK_DEVICE[$node]" "STICK_SOCKET[$node]"
}

stick_device() {
    printf '%s\n' "${STICK_DEVICE[$1]-}"
}

# stick_new NODE: a dead stick replaced by an empty one from the shop.
stick_new() {
    local node=$1 file
    file=$LAB_SCRATCH/nodes/$node/stick.img
    stick_remove "$node"
    rm -f -- "$file"
    stick_insert "$node" "$file"
}
