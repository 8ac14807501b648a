# The USB sticks: sparse files behind loop devices. A stick outlives its node's card.

STICK_MIB=${MKLAB_STICK_MIB:-1024}
declare -A STICK_DEVICE=() STICK_SOCKET=() STICK_HELD=()

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

# Until no file system of a node that is going down holds the stick any more.
stick_wait_free() {
    local device tries
    device=$(stick_device "$1")
    [[ -n $device ]] || return 0
    for ((tries = 0; tries < 300; tries++)); do
        [[ -e /sys/fs/xfs/${device##*/} ]] || return 0
        sleep 0.1
    done
    fail "the stick of $1 is still in use"
}

# stick_hold NODE MOUNT: before the file system is shut down, because nothing can be opened on it afterwards.
stick_hold() {
    local descriptor
    if { exec {descriptor}<"$2"; } 2>/dev/null; then
        STICK_HELD[$1]=$descriptor
    fi
}

# A node that is cut while it copies its state leaves its stick frozen: what was about to write there cannot even be
# killed, and the file system stays in the kernel without any mount. On a Pi the kernel is gone as well. It is shut down
# by then, so thawing it writes nothing.
stick_thaw() {
    local descriptor=${STICK_HELD[$1]-}
    [[ -n $descriptor ]] || return 0
    # FITHAW of linux/fs.h, which no program says to a file that is open already; it fails when nothing is frozen.
    python3 -c 'import fcntl, sys; fcntl.ioctl(int(sys.argv[1]), 0xC0045878)' "$descriptor" 2>/dev/null || true
}

stick_let_go() {
    local descriptor=${STICK_HELD[$1]-}
    [[ -n $descriptor ]] || return 0
    stick_thaw "$1"
    exec {descriptor}<&-
    unset "STICK_HELD[$1]"
}

# stick_new NODE: a dead stick replaced by an empty one from the shop.
stick_new() {
    local node=$1 file
    file=$LAB_SCRATCH/nodes/$node/stick.img
    stick_remove "$node"
    rm -f -- "$file"
    stick_insert "$node" "$file"
}

# stick_pull NODE: out of the running node. Every access fails from now on, and its device file goes.
stick_pull() {
    loop_begins_at "$(stick_device "$1")" "$(stat -c %s -- "$(node_folder "$1")/stick.img")"
    # The device file is a mount of its own in a container.
    in_node "$1" sh -c 'umount /dev/sda 2>/dev/null; rm /dev/sda'
}

# stick_put_back NODE: into the same socket.
stick_put_back() {
    local device
    device=$(stick_device "$1")
    loop_begins_at "$device" 0
    in_node "$1" mknod -m 0660 /dev/sda b $((16#$(stat -c %t "$device"))) $((16#$(stat -c %T "$device")))
}

# loop_begins_at DEVICE BYTES: a device that begins at its file's end has no size, which no tool can say to a loop
# device that is in use; struct loop_info64 and the numbers are in linux/loop.h.
loop_begins_at() {
    python3 - "$1" "$2" <<'PYTHON'
import fcntl, struct, sys
LOOP_SET_STATUS64, LOOP_GET_STATUS64, LO_OFFSET = 0x4C04, 0x4C05, 24
with open(sys.argv[1]) as device:
    info = bytearray(232)
    fcntl.ioctl(device, LOOP_GET_STATUS64, info)
    struct.pack_into("=Q", info, LO_OFFSET, int(sys.argv[2]))
    fcntl.ioctl(device, LOOP_SET_STATUS64, info)
PYTHON
}
