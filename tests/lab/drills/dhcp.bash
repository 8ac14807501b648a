# Every node on DHCP and known by its mDNS name: a power cut gives every worker another lease, the next one the manager.
command -v dnsmasq >/dev/null || left_out "it needs dnsmasq (dnsmasq-base)"

# Another kind of network from here on.
# shellcheck disable=SC2034 # (run_drills reads it)
DRILL_KEEPS_TO_ITSELF=yes

declare -A NODE_MAC=(["pi4-1"]=02:00:00:00:00:01 ["pi4-2"]=02:00:00:00:00:02 ["pi4-3"]=02:00:00:00:00:03 ["pi3-1"]=02:00:00:00:00:04)
LEASE_SERVER=

# The same plug with the same hardware address each time, as a board has it.
eval "anonymous_$(declare -f network_plug)"
network_plug() {
    anonymous_network_plug "$1"
    ip -n "$1" link set eth0 address "${NODE_MAC[$1]}"
}

eval "fixed_$(declare -f cluster_text)"
cluster_text() {
    fixed_cluster_text | sed 's|^address = .*|address = "dhcp"|'
}

# lease ADDRESS NODE...: from now on the router gives them addresses from ADDRESS on.
lease() {
    local last=${1##*.} network=${1%.*} node
    shift
    for node; do
        # shellcheck disable=SC2034 # (ask_as reads it)
        NODE_ADDRESS["$node"]=$network.$last
        last=$((last + 1))
    done
    for node in "${NODES[@]}"; do
        printf 'dhcp-host=%s,%s\n' "${NODE_MAC[$node]}" "${NODE_ADDRESS[$node]}"
    done >"$LAB_SCRATCH/leases.conf"
    if [[ -n $LEASE_SERVER ]]; then
        kill "$LEASE_SERVER"
        wait "$LEASE_SERVER" || true
    fi
    # Authoritative: a node that asks for its old lease is told that it is no more. Names it knows none, and says so at
    # once, as a router does: glusterd asks for the name of every address and waits for the answer.
    dnsmasq --keep-in-foreground --conf-file="$LAB_SCRATCH/leases.conf" --user=root --pid-file= --no-resolv --no-hosts --local=/#/ \
        --interface="$NETWORK_BRIDGE" --bind-interfaces --dhcp-authoritative --dhcp-leasefile=/run/leases \
        --dhcp-range="${NETWORK_ADDRESS%.*}.0,static,255.255.255.0,1h" >"$LAB_SCRATCH/leases.log" 2>&1 &
    LEASE_SERVER=$!
    # Resolves as a laptop with mDNS does; the session itself has none.
    printf '127.0.0.1 localhost\n' >"$LAB_SCRATCH/hosts"
    for node in "${NODES[@]}"; do
        printf '%s %s.local\n' "${NODE_ADDRESS[$node]}" "$node"
    done >>"$LAB_SCRATCH/hosts"
    ! mountpoint -q /etc/hosts || umount /etc/hosts
    mount --bind "$LAB_SCRATCH/hosts" /etc/hosts
}

# The power is back after the leases have changed.
all_on() {
    local node
    for node in "${NODES[@]}"; do
        node_on "$node"
    done
}

# The swarm reaches every node where it is, and so do the nodes' networks, which tell each other where they are.
swarm_has_the_leases() {
    local node found wanted
    wanted=$(for node in "${NODES[@]}"; do echo "${NODE_ADDRESS[$node]}"; done | sort)
    for node in "${NODES[@]}"; do
        found=$(in_node "$node" docker info --format '{{.Swarm.NodeAddr}}')
        printf '%s is %s\n' "$node" "$found"
        [[ $found == "${NODE_ADDRESS[$node]}" ]] || return 1
        found=$(in_node "$node" docker network inspect ingress --format '{{range .Peers}}{{println .IP}}{{end}}' | grep . | sort)
        printf '%s has peers at:\n%s\n' "$node" "$found"
        [[ $found == "$wanted" ]] || return 1
    done
}

swarm_nodes() {
    in_node "$MANAGER" docker node ls --format '{{.ID}} {{.Hostname}}' | sort
}

blank_cluster
lease 192.168.91.11 "${NODES[@]}"
all_on
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
use_cluster
cluster_is_healthy
check "the peers know each other by name" in_node "$MANAGER" sh -c 'gluster --mode=script pool list | grep -q "pi4-2\.local"'
swarm=$(swarm_identity "$MANAGER")

say "power cut; every worker gets another lease"
node_cut "${NODES[@]}"
lease 192.168.91.51 pi4-2 pi4-3 pi3-1
drill_begins
all_on
drill_ends_well
check "the swarm has every node's new address" eventually 60 swarm_has_the_leases
is "the same swarm, the same CA" "$swarm" "$(swarm_identity "$MANAGER")"

say "power cut; the manager gets another lease"
node_cut "${NODES[@]}"
lease 192.168.91.71 "$MANAGER"
drill_begins
all_on
wait_state attention "${MKLAB_PATIENCE:-900}" "$MANAGER"
check "it says what to do" stage_says "$MANAGER" swarm 'mkimage-recover new-address'
check "the volume's files are all there meanwhile" eventually 120 files_are_right
check "the one command" in_node "$MANAGER" -t 200 mkimage-recover new-address
drill_ends_well
check "the swarm has every node's new address" eventually 60 swarm_has_the_leases
is "the same swarm, the same CA" "$swarm" "$(swarm_identity "$MANAGER")"
members=$(swarm_nodes)

say "power cut; everybody keeps the address that it has"
node_cut "${NODES[@]}"
drill_begins
all_on
drill_ends_well
check "the swarm has every node's new address" eventually 60 swarm_has_the_leases
is "the same swarm, the same CA" "$swarm" "$(swarm_identity "$MANAGER")"
is "nobody had to join again" "$members" "$(swarm_nodes)"
kill "$LEASE_SERVER"
