# The router of a cluster on DHCP: dnsmasq, which gives each board the lease that a drill wants it to have.

LEASE_SERVER=

# router_gives ADDRESS NODE...: from now on they get addresses from ADDRESS on, when they ask.
router_gives() {
    local last=${1##*.} network=${1%.*} node
    local -A networks=()
    local -a ranges=()
    shift
    for node; do
        # shellcheck disable=SC2034 # (ask_as reads it)
        NODE_ADDRESS["$node"]=$network.$last
        last=$((last + 1))
    done
    for node in "${NODES[@]}"; do
        printf 'dhcp-host=%s,%s\n' "${NODE_MAC[$node]}" "${NODE_ADDRESS[$node]}"
        networks[${NODE_ADDRESS[$node]%.*}]=yes
    done >"$LAB_SCRATCH/leases.conf"
    for network in "${!networks[@]}"; do
        ip addr replace "$network.1/$NETWORK_PREFIX" dev "$NETWORK_BRIDGE"
        ranges+=("--dhcp-range=$network.0,static,255.255.255.0,1h")
    done
    router_off
    # Authoritative: a node that asks for its old lease is told that it is no more. Names it knows none, and says so at
    # once, as a router does: glusterd asks for the name of every address and waits for the answer.
    dnsmasq --keep-in-foreground --conf-file="$LAB_SCRATCH/leases.conf" --user=root --pid-file= --no-resolv --no-hosts --local=/#/ \
        --interface="$NETWORK_BRIDGE" --bind-interfaces --dhcp-authoritative --dhcp-leasefile=/run/leases "${ranges[@]}" \
        >"$LAB_SCRATCH/leases.log" 2>&1 &
    LEASE_SERVER=$!
    laptop_finds_the_nodes
}

# has_lease NODE: whether it has taken the address that the router has for it.
has_lease() {
    in_node "$1" ip -4 -o addr show dev eth0 | grep -F " ${NODE_ADDRESS[$1]}/"
}

# cable_and_lease_go NODE, cable_and_lease_come NODE: on a Pi NetworkManager gives a lease up with the cable and asks for one when it is
# back. Where cloud-init has the lab's nodes use ifupdown, whose client has ended by then, this does it.
cable_and_lease_go() {
    network_cable "$1" out
    in_node "$1" sh -c 'nmcli -g GENERAL.STATE device show eth0 | grep -q unmanaged && ip -4 addr flush dev eth0' || true
}

cable_and_lease_come() {
    network_cable "$1" in
    in_node "$1" sh -c 'nmcli -g GENERAL.STATE device show eth0 | grep -q unmanaged && exec dhcpcd -q -4 --oneshot eth0' || true
}

router_off() {
    [[ -n $LEASE_SERVER ]] || return 0
    kill "$LEASE_SERVER"
    wait "$LEASE_SERVER" || true
    LEASE_SERVER=
}

# Resolves as a laptop with mDNS does; the session itself has none.
laptop_finds_the_nodes() {
    local node
    printf '127.0.0.1 localhost\n' >"$LAB_SCRATCH/hosts"
    for node in "${NODES[@]}"; do
        printf '%s %s.local\n' "${NODE_ADDRESS[$node]}" "$node"
    done >>"$LAB_SCRATCH/hosts"
    ! mountpoint -q /etc/hosts || umount /etc/hosts
    mount --bind "$LAB_SCRATCH/hosts" /etc/hosts
}

# dhcp_cluster: a blank cluster of nodes that all get their addresses from the router; nothing is switched on.
dhcp_cluster() {
    command -v dnsmasq >/dev/null || left_out "it needs dnsmasq (dnsmasq-base)"
    # Another kind of network from here on.
    # shellcheck disable=SC2034 # (run_drills reads it)
    DRILL_KEEPS_TO_ITSELF=yes
    # shellcheck disable=SC2034 # (cluster_text reads it)
    CLUSTER_ON_DHCP=yes
    blank_cluster
    router_gives 192.168.91.11 "${NODES[@]}"
}
