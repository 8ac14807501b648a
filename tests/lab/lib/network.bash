# The wire between the nodes: one bridge, inside the session's own network namespace, with no way out of it.

readonly NETWORK_BRIDGE=mklab0
readonly NETWORK_ADDRESS=192.168.91.1
readonly NETWORK_PREFIX=24
# The same at every power-on, as a board has it: the router's leases go by it.
declare -A NODE_MAC=(["pi4-1"]=02:00:00:00:00:01 ["pi4-2"]=02:00:00:00:00:02 ["pi4-3"]=02:00:00:00:00:03 ["pi3-1"]=02:00:00:00:00:04
    ["pi5-1"]=02:00:00:00:00:05
    ["stranger"]=02:00:00:00:00:66)

network_start() {
    mkdir -p /run/netns
    ip link set lo up
    ip link add "$NETWORK_BRIDGE" type bridge
    ip addr add "$NETWORK_ADDRESS/$NETWORK_PREFIX" dev "$NETWORK_BRIDGE"
    ip link set "$NETWORK_BRIDGE" up
}

# network_plug NODE: gives the node a network namespace with a fresh `eth0` in it, wired to the bridge.
network_plug() {
    local node=$1
    network_unplug "$node"
    ip netns add "$node"
    ip link add "v-$node" type veth peer name eth0 address "${NODE_MAC[$node]}" netns "$node"
    ip link set "v-$node" master "$NETWORK_BRIDGE" up
}

network_unplug() {
    ip link del "v-$1" 2>/dev/null || true
    ip netns del "$1" 2>/dev/null || true
}

# network_cable NODE in|out
network_cable() {
    case $2 in
        in) ip link set "v-$1" up ;;
        out) ip link set "v-$1" down ;;
    esac
}

# network_move NODE BRIDGE: puts the node's cable into another switch, which is made when it is not there.
network_move() {
    ip link show "$2" >/dev/null 2>&1 || ip link add "$2" up type bridge
    ip link set "v-$1" master "$2"
}

# link_local_address NODE: its IPv6 address on the wire, once it has one that nobody else has.
link_local_address() {
    in_node "$1" ip -6 -o addr show dev eth0 scope link -tentative | sed -n 's|.* inet6 \([^/]*\)/.*|\1|p' | grep .
}
