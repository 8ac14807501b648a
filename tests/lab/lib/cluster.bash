# The cluster under test: its file, its images, and what is true of the nodes in it.
# shellcheck disable=SC2034
# (names set here are read by the scenarios)

# In the file's order. The first one is the first manager and has the first brick.
NODES=()
# The node whose base image is of the time before cloud-init.
readonly SYSTEMD_RUN_NODE=pi3-1
readonly CLUSTER_USER=ada
# shellcheck disable=SC2016 # (crypt(3) separates with dollars)
readonly CLUSTER_PASSWORD_HASH='$6$mklabsalt$WqJ0wq1cY1b3l8Kp0mE0y4o4r1c8m5mZbXo8U1w1c9yS0nI2r5D4hYfQd2h8nJ6s3a7zv9x0kLqPpRrTtUuVv.'
readonly CLUSTER_WIFI_PASSWORD='no radio in the lab'
readonly IMAGE_SERVER_PORT=8000
declare -A NODE_ADDRESS=(["pi4-1"]=192.168.91.11 ["pi4-2"]=192.168.91.12 ["pi4-3"]=192.168.91.13 ["pi3-1"]=192.168.91.14
    ["pi5-1"]=192.168.91.15)
declare -A NODE_ROLE=() NODE_WIPE=()
# Leases instead of fixed addresses, when it is not empty (lib/router.bash).
CLUSTER_ON_DHCP=
# The number of copies, when it is not that of all nodes.
CLUSTER_REPLICA=
CLUSTER_NAME=mklab
CLUSTER_FOLDER=

# Drills change these: the nodes, the manager that is asked, each node's role, how each may treat its stick.
cluster_defaults() {
    NODES=(pi4-1 pi4-2 pi4-3 pi3-1)
    MANAGER=pi4-1
    CLUSTER_REPLICA=
    NODE_ROLE=(["pi4-1"]=manager ["pi4-2"]=worker ["pi4-3"]=worker ["pi3-1"]=worker ["pi5-1"]=worker)
    NODE_WIPE=(["pi4-1"]=if-empty ["pi4-2"]=if-empty ["pi4-3"]=if-empty ["pi3-1"]=if-empty ["pi5-1"]=if-empty)
}
cluster_defaults

# cluster_write FOLDER: the cluster file, and where `mkimage` finds everything else.
cluster_write() {
    CLUSTER_FOLDER=$1
    mkdir -p -- "$CLUSTER_FOLDER" "$LAB_SCRATCH/home"
    cluster_text >"$CLUSTER_FOLDER/cluster.toml"
}

cluster_text() {
    local node address
    printf '[cluster]\nname = "%s"\ntimezone = "Europe/Berlin"\n\n' "$CLUSTER_NAME"
    printf "[user]\nname = \"%s\"\npassword_hash = '%s'\n\n" "$CLUSTER_USER" "$CLUSTER_PASSWORD_HASH"
    printf '[network]\ngateway = "%s"\n' "$NETWORK_ADDRESS"
    printf 'wifi = { ssid = "mklab", psk = "%s", country = "DE" }\n\n' "$CLUSTER_WIFI_PASSWORD"
    printf '[swarm]\ndefault_addr_pool = "10.10.0.0/16"\n\n'
    [[ -z $CLUSTER_REPLICA ]] || printf '[gluster]\nreplica = %s\n\n' "$CLUSTER_REPLICA"
    printf '[apt]\nproxy = "http://%s:%s"\n' "$NETWORK_ADDRESS" "$PACKAGES_PORT"
    for node in "${NODES[@]}"; do
        address=${NODE_ADDRESS[$node]}/$NETWORK_PREFIX
        [[ -z $CLUSTER_ON_DHCP ]] || address=dhcp
        printf '\n[[node]]\nname = "%s"\nmodel = "%s"\nrole = "%s"\naddress = "%s"\n' "$node" "${node%-*}" \
            "${NODE_ROLE[$node]}" "$address"
        # A loop device has no transport that `auto` could go by.
        printf 'brick = { device = "/dev/sda", wipe = "%s" }\n' "${NODE_WIPE[$node]}"
    done
}

# Serves the base images as a download site does.
image_server_start() {
    python3 -m http.server --bind "$NETWORK_ADDRESS" --directory "$(image_folder)" "$IMAGE_SERVER_PORT" \
        >/dev/null 2>&1 &
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        curl -s -o /dev/null "http://$NETWORK_ADDRESS:$IMAGE_SERVER_PORT/" && return 0
        sleep 0.1
    done
    fail "the image server does not answer"
}

# The program under test; a home of its own, so that no key and no cache of the person running this gets in.
mkimage() {
    (
        cd -- "$CLUSTER_FOLDER" || exit
        HOME=$LAB_SCRATCH/home XDG_CACHE_HOME=$LAB_SCRATCH/home/.cache "$MKLAB_MKIMAGE" "$@"
    )
}

# build_images [NODE...]: with no names, all of them with one --all, as a user does.
build_images() {
    local node wanted=("$@")
    if ((${#wanted[@]} == 0)); then
        build_from cloud-init --all
        [[ " ${NODES[*]} " != *" $SYSTEMD_RUN_NODE "* ]] || wanted=("$SYSTEMD_RUN_NODE")
    fi
    for node in "${wanted[@]}"; do
        build_from "$(mechanism_of "$node")" --node "$node"
    done
}

mechanism_of() {
    if [[ $1 == "$SYSTEMD_RUN_NODE" ]]; then
        echo systemd.run
    else
        echo cloud-init
    fi
}

build_from() {
    with_base "$@" --quiet --out "$LAB_SCRATCH/images" >/dev/null
}

# with_base MECHANISM WORD...: `mkimage` with the base of that mechanism, as the image server has it.
with_base() {
    local image
    image=$(image_path "$1")
    shift
    mkimage "$@" --sha256 "$(<"$image.sha256")" --base "http://$NETWORK_ADDRESS:$IMAGE_SERVER_PORT/${image##*/}"
}

# flash_new NODE...: images made and put onto cards, whatever was there before.
flash_new() {
    local node
    build_images "$@"
    for node; do
        mkdir -p -- "$(node_folder "$node")"
        flash "$node" "$LAB_SCRATCH/images/$node.img"
    done
}

# private_address NODE: by the list of nodes on its boot partition; nothing from a program that makes no private network.
private_address() {
    awk -v node="$1" '$1 == node && NF == 6 { print $5 }' "$(node_folder "$1")/boot/mkimage/description"
}

# wireguard_key NODE: its public key, from the same list.
wireguard_key() {
    awk -v node="$1" '$1 == node && NF == 6 { print $6 }' "$(node_folder "$1")/boot/mkimage/description"
}

# all_on: the power is back, everywhere at once.
all_on() {
    local node
    for node in "${NODES[@]}"; do
        node_on "$node"
    done
}

# wait_state STATE SECONDS NODE...: until all of them say STATE at once.
wait_state() {
    local state_wanted=$1 limit=$2 node state deadline
    local -a lagging
    shift 2
    deadline=$((SECONDS + limit))
    while ((SECONDS < deadline)); do
        lagging=()
        for node; do
            timeline_note "$node"
            state=$(node_state "$node")
            [[ $state == "$state_wanted" ]] || lagging+=("$node=$state")
        done
        ((${#lagging[@]} > 0)) || return 0
        sleep 1
    done
    for node; do
        node_troubles "$node"
    done
    fail "not '$state_wanted' after $limit s: ${lagging[*]}"
}

# The complaints of a node, one stage per line.
node_troubles() {
    node_status "$1" | jq -r --arg node "$1" \
        '.stages[] | select(.state != "done") | "  \($node) \(.name): \(.state), tries \(.tries): \(.error)"' >&2 || true
}

# eventually SECONDS COMMAND...: repeats it until it succeeds; its own words are shown only when it never does.
eventually() {
    local limit=$1 deadline out=$LAB_SCRATCH/eventually.$BASHPID
    shift
    deadline=$((SECONDS + limit))
    until "$@" >"$out" 2>&1; do
        if ((SECONDS >= deadline)); then
            cat -- "$out" >&2
            fail "not so within $limit s: $*"
            return 1
        fi
        sleep 1
    done
}
