# The attacks of somebody who must not get in. Each succeeds when it gets what it is after, and shows that.
#
# MKLAB_STRANGER=wins expects the known attacks to succeed, which proves them on a program that has the gaps they are about.

stranger_wins() {
    [[ ${MKLAB_STRANGER-} == wins ]]
}

# known_attack WORDS COMMAND...: one that succeeded before there was a private network.
known_attack() {
    local words=$1
    shift
    if stranger_wins; then
        check "the stranger wins: $words" "$@"
    else
        check_refused "refused: $words" "$@"
    fi
}

# attack WORDS COMMAND...
attack() {
    local words=$1
    shift
    stranger_wins || check_refused "refused: $words" "$@"
}

# takes_over NODE ADDRESS: makes a fresh node a peer of the stranger's and writes onto its card as root.
takes_over() {
    in_stranger -t 40 gluster --mode=script peer probe "$2" || return 1
    in_stranger sleep 3
    in_stranger gluster --mode=script volume create evil "$2:/root/evil" force || return 1
    in_stranger gluster --mode=script volume start evil || return 1
    in_stranger sh -c "mount -t glusterfs '$2:/evil' /mnt && echo owned >/mnt/owned; umount /mnt"
    in_node "$1" grep -rx owned /root/evil/owned
}

has_no_peers() {
    # shellcheck disable=SC2016 # (the node's shell expands it)
    in_node "$1" sh -c 'peers=$(ls /var/lib/glusterd/peers) && echo "$peers" && [ -z "$peers" ]'
}

# stranger_is_peer_of NODE
stranger_is_peer_of() {
    in_node "$1" grep -r "^uuid=$(stranger_uuid)$" /var/lib/glusterd/peers
}

# mounts_volume ADDRESS: mounts it and writes a file that a node reads.
mounts_volume() {
    local status=0
    in_stranger -t 25 mount -t glusterfs "$1:/cluster-data" /mnt &&
        in_stranger -t 25 sh -c 'echo stranger >/mnt/containers-data/from-a-stranger && sync /mnt/containers-data/from-a-stranger' ||
        status=1
    in_stranger sh -c 'umount -l /mnt; pkill -x glusterfs' 2>/dev/null || true
    ((status == 0)) || return 1
    in_node "$MANAGER" grep -x stranger /mnt/cluster-data/containers-data/from-a-stranger
    in_node "$MANAGER" rm /mnt/cluster-data/containers-data/from-a-stranger
}

# asks_glusterd ADDRESS: reads what the pool has.
asks_glusterd() {
    in_stranger -t 25 gluster --mode=script --remote-host="$1" volume info cluster-data | grep '^Volume Name'
}

# open_ports ADDRESS: all TCP ports on which the stranger gets through, in one line.
open_ports() {
    beside_stranger python3 "$LAB_DIR/lib/scan.py" "$1" 1 65535 | paste -s -d ' '
}

# comes_through NODE MATCH... -- COMMAND...: whether packets that match pass the node's filter while COMMAND sends them. Of two filters
# on the way in, this looks after the later one.
comes_through() {
    local node=$1 count
    local -a match=()
    shift
    while [[ $1 != -- ]]; do
        match+=("$1")
        shift
    done
    shift
    in_node "$node" iptables -w -I INPUT "${match[@]}"
    "$@"
    sleep 0.5
    count=$(in_node "$node" iptables -w -nvxL INPUT 1 | awk '{ print $1 }')
    in_node "$node" iptables -w -D INPUT "${match[@]}"
    printf '%s packets\n' "$count"
    ((count > 0))
}

# forge SOURCE ADDRESS PORT
forge() {
    beside_stranger python3 "$LAB_DIR/lib/forged.py" udp "$@"
}

# member_answers ADDRESS FROM: through the stranger's tunnel.
member_answers() {
    in_stranger ping -n -c 3 -W 2 -I "$2" "$1"
}

# shakes_hands: whether any node has accepted the stranger's WireGuard key.
shakes_hands() {
    in_stranger wg show mkimage0 latest-handshakes | awk '{ print } $2 > 0 { found = 1 } END { exit !found }'
}

# logs_in NODE KEY USER
logs_in() {
    [[ -s $2 ]] || {
        fail "there is no key $2 to try"
        exit 1
    }
    beside_stranger timeout 30 ssh -F none -T -o BatchMode=yes -o IdentitiesOnly=yes -i "$2" -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "$3@${NODE_ADDRESS[$1]}" id </dev/null
}

# container_reaches NODE ADDRESS PORT DOCKER-OPTION...: busybox's nc fails with 1 when it cannot connect.
container_reaches() {
    # shellcheck disable=SC2016 # (the container's shell expands it)
    in_node "$1" docker run --rm "${@:4}" mklab/busybox /bin/busybox sh -c \
        '/bin/busybox timeout 6 /bin/busybox nc -w 4 "$1" "$2" </dev/null; [ $? -ne 1 ]' sh "$2" "$3"
}

# user_reaches NODE USER-ID ADDRESS PORT
user_reaches() {
    # shellcheck disable=SC2016 # (the node's shell expands it)
    in_node "$1" -t 6 setpriv --reuid="$2" --regid="$2" --clear-groups bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$3" "$4"
}

# brick_port NODE
brick_port() {
    in_node "$1" ss -Hltnp | sed -n 's/.*:\([0-9]*\) .*"glusterfsd".*/\1/p' | head -n 1
}

# stranger_meets_a_fresh_node NODE: while it waits for the first brick's node, it has no peers and no volume.
stranger_meets_a_fresh_node() {
    local node=$1
    node_on "$node"
    check "$node waits for $MANAGER" eventually "${MKLAB_PATIENCE:-900}" stage_says "$node" pool "waiting for $MANAGER"
    [[ -n $STRANGER_INIT ]] || stranger_arrives "$node"
    stranger_calls lan
    check "the stranger's glusterd runs" stranger_glusterd
    known_attack "C1, a peer probe of a fresh node" takes_over "$node" "${NODE_ADDRESS[$node]}"
    stranger_wins || {
        check "the stranger's glusterd runs" stranger_glusterd
        attack "the same by its private address" takes_over "$node" "$(private_address "$node")"
        attack "the remote command line" asks_glusterd "$(private_address "$node")"
        check "$node has no peers" has_no_peers "$node"
    }
}

# stranger_lies_while_the_cluster_forms LIE NODE: the first manager takes the stranger for NODE, or for the way there.
stranger_lies_while_the_cluster_forms() {
    local lie=$1 victim=$2 node
    check "the stranger's glusterd runs" stranger_glusterd
    for node in "$MANAGER" "${NODES[@]}"; do
        node_is_on "$node" || node_on "$node"
    done
    "$lie" "$MANAGER" "$victim"
    if stranger_wins; then
        known_attack "C2, the stranger is probed in the place of $victim" eventually "${MKLAB_PATIENCE:-900}" stranger_is_peer_of "$MANAGER"
        stranger_tells_the_truth
        stranger_forgets
        say "again without the lie"
        blank_cluster
        all_on
    else
        check "$MANAGER believes it" eventually 120 "believes_${lie#stranger_}" "$MANAGER" "$victim"
    fi
    wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
    attack "C2, being probed in the place of $victim" stranger_is_peer_of "$MANAGER"
    stranger_tells_the_truth
    use_cluster
    cluster_is_healthy
}

believes_stands_between() {
    in_node "$1" ip neigh show "${NODE_ADDRESS[$2]}" | grep "${NODE_MAC[stranger]}"
}

believes_takes_the_name() {
    in_node "$1" getent ahostsv4 "$2.local" | grep "^$STRANGER_ADDRESS "
}

# The facts that all attacks must leave as they are.
cluster_facts() {
    swarm_members
    pool_members
    volume_bricks
    swarm_identity "$MANAGER"
}

nothing_has_changed() {
    is "swarm, pool and volume have the members that they had" "$FACTS_BEFORE" "$(cluster_facts)"
}

# stranger_tries_the_cluster NODE: without any key. NODE has its doors tried, and runs the container that tries others'.
stranger_tries_the_cluster() {
    local node=$1 private
    FACTS_BEFORE=$(cluster_facts)
    writer_start "$node"
    stranger_calls lan
    # A cluster with fixed addresses without a private network looks at the address of a client.
    if ! stranger_wins || [[ -n $CLUSTER_ON_DHCP ]]; then
        known_attack "H1, mounting the volume" mounts_volume "${NODE_ADDRESS[$MANAGER]}"
    fi
    known_attack "the remote command line" asks_glusterd "${NODE_ADDRESS[$MANAGER]}"
    if ! stranger_wins; then
        private=$(private_address "$MANAGER")
        stranger_calls private
        attack "H1 by private addresses that are routed over the wire" mounts_volume "$private"
        attack "the remote command line, likewise" asks_glusterd "$private"
        stranger_scans "$node"
        stranger_forges "$MANAGER" "$node"
        insiders_try "$node"
        a_flushed_filter_comes_back "$node"
    fi
    writer_stop "$node"
    is "a program on the volume has met no error meanwhile" 0 "$WRITER_FAILED"
    say "and waited for $WRITER_LONGEST s at the longest"
    nothing_has_changed
}

stranger_scans() {
    local node=$1
    check "a published port on $node" in_node "$node" docker run --detach --name mklab-published --publish 8080:80 \
        mklab/busybox /bin/busybox httpd -f -p 80
    is "$node is open for ssh and for what is published" "22 8080" "$(open_ports "${NODE_ADDRESS[$node]}")"
    is "by IPv6 as well" "22 8080" "$(open_ports "$(link_local_address "$node")%eth0")"
    is "by its private address it is not open at all" "" "$(open_ports "$(private_address "$node")")"
    check "the published port goes" in_node "$node" docker rm --force mklab-published
}

# stranger_forges NODE MEMBER: packets that seem to come from MEMBER, and others for the doors of Docker's networks.
stranger_forges() {
    local node=$1 member=$2 port network
    network=$(private_address "$member")
    network=${network%.*}.0/24
    check "the stranger's packets arrive" \
        comes_through "$node" -s "$STRANGER_ADDRESS" -p udp --dport 5353 -- forge "$STRANGER_ADDRESS" "${NODE_ADDRESS[$node]}" 5353
    for port in 4789 7946; do
        attack "a packet for UDP $port" \
            comes_through "$node" -s "$STRANGER_ADDRESS" -p udp --dport "$port" -- forge "$STRANGER_ADDRESS" "${NODE_ADDRESS[$node]}" "$port"
        attack "one that seems to come from $member's private address" \
            comes_through "$node" -i eth0 -s "$network" -- forge "$(private_address "$member")" "${NODE_ADDRESS[$node]}" "$port"
        attack "one for the private address, likewise" \
            comes_through "$node" -i eth0 -s "$network" -- forge "$(private_address "$member")" "$(private_address "$node")" "$port"
    done
}

# insiders_try NODE: a container and an unprivileged user there, at their own node and at the first manager.
insiders_try() {
    local node=$1 target address port
    check "a container gets out" container_reaches "$node" "${NODE_ADDRESS[$MANAGER]}" 22
    check "root gets through to glusterd" user_reaches "$node" 0 "$(private_address "$MANAGER")" 24007
    check "root gets through to a brick" user_reaches "$node" 0 "$(private_address "$MANAGER")" "$(brick_port "$MANAGER")"
    for target in "$node" "$MANAGER"; do
        address=$(private_address "$target")
        for port in 24007 "$(brick_port "$target")" 2377; do
            attack "a container on $node at $target's port $port" container_reaches "$node" "$address" "$port"
            attack "an unprivileged user on $node, there" user_reaches "$node" 65534 "$address" "$port"
            attack "an unprivileged container on the network of $node, there" \
                container_reaches "$node" "$address" "$port" --network host --user 65534
        done
    done
    # docs/security.md says so.
    check "a container with root on the network of $node is root there" \
        container_reaches "$node" "$(private_address "$MANAGER")" 24007 --network host
    address=$(private_address "$MANAGER")
    check "root's packets for VXLAN's port arrive" comes_through "$MANAGER" -i mkimage0 -p udp --dport 4789 -- vxlan_packet "$node" 0 "$address"
    attack "an unprivileged user's packets for it" \
        comes_through "$MANAGER" -i mkimage0 -p udp --dport 4789 -- vxlan_packet "$node" 65534 "$address"
    for address in 127.0.0.1 "${NODE_ADDRESS[$node]}" "$(private_address "$node")"; do
        check "root's at the node's own $address" comes_through "$node" -i lo -p udp --dport 4789 -- vxlan_packet "$node" 0 "$address"
        attack "an unprivileged user's there" comes_through "$node" -i lo -p udp --dport 4789 -- vxlan_packet "$node" 65534 "$address"
    done
    attack "an unprivileged user's own gluster command" \
        in_node "$node" -t 30 setpriv --reuid=65534 --regid=65534 --clear-groups gluster --mode=script volume info
}

# vxlan_packet NODE USER-ID ADDRESS
vxlan_packet() {
    # shellcheck disable=SC2016 # (the node's shell expands it)
    in_node "$1" setpriv --reuid="$2" --regid="$2" --clear-groups bash -c 'echo x >"/dev/udp/$1/4789" || true' bash "$3"
}

# a_flushed_filter_comes_back NODE: as after the start of a firewall of the owner's.
a_flushed_filter_comes_back() {
    check "another firewall's start flushes the filter of $1" in_node "$1" nft flush table inet mkimage
    check "it is back" eventually 30 has_filter "$1"
}

has_filter() {
    in_node "$1" nft list table inet mkimage | grep 24007
}
