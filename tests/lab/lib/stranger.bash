# A machine on the nodes' network that nobody has invited. It has GlusterFS's, Docker's and WireGuard's programs and no key.

readonly STRANGER_ADDRESS=192.168.91.66
STRANGER_INIT=
STRANGER_LIAR=

stranger_root() {
    printf '%s/stranger/root\n' "$LAB_SCRATCH"
}

# stranger_arrives NODE: with the programs of that node's card and nothing else from there.
stranger_arrives() {
    local root status=0
    root=$(stranger_root)
    mkdir -p -- "$root"
    fsfreeze -f "$(node_folder "$1")/root"
    cp --reflink=auto -- "$(node_folder "$1")/card.img" "$root/../card.img" || status=$?
    fsfreeze -u "$(node_folder "$1")/root"
    ((status == 0)) || fail "the card of $1 could not be copied"
    mount -o "loop,offset=$FLASH_ROOT_OFFSET" "$root/../card.img" "$root"
    rm -rf -- "$root"/etc/mkimage "$root"/usr/local/lib/mkimage "$root"/var/lib/{mkimage,glusterd,docker,cloud} "$root"/etc/ssh
    mkdir -p -- "$root/var/lib/glusterd" "$root/var/log/glusterfs"
    sed -i '/bind-address/d' "$root/etc/glusterfs/glusterd.vol"
    network_plug stranger
    ip -n stranger link set lo up
    ip -n stranger link set eth0 up
    ip -n stranger addr add "$STRANGER_ADDRESS/$NETWORK_PREFIX" dev eth0
    stranger_boot "$root"
}

# stranger_boot ROOT: something that its other processes live and die with.
stranger_boot() {
    local outer
    # Without the nodes' cards, as a node is.
    # shellcheck disable=SC2016 # (the inner shell expands it)
    nsenter --net=/run/netns/stranger unshare --mount --propagation private --pid --ipc --uts --fork --kill-child -- \
        bash -c "$NODE_ALONE" bash "$LAB_SCRATCH/nodes/stranger/root" bash -c '
        mount -t proc proc "$1/proc"
        mount --rbind /dev "$1/dev"
        mount -t tmpfs tmpfs "$1/run"
        exec chroot "$1" sleep infinity
    ' bash "$1" </dev/null >/dev/null 2>&1 &
    outer=$!
    eventually 20 stranger_has_booted "$outer"
    STRANGER_INIT=$(pgrep -P "$outer")
}

stranger_has_booted() {
    [[ $(cat -- "/proc/$(pgrep -P "$1")/comm") == sleep ]]
}

stranger_leaves() {
    [[ -n $STRANGER_INIT ]] || return 0
    stranger_tells_the_truth
    kill -KILL "$STRANGER_INIT"
    STRANGER_INIT=
    network_unplug stranger
    eventually 20 umount "$(stranger_root)"
}

# in_stranger [-t SECONDS] COMMAND...
in_stranger() {
    local limit=60
    if [[ $1 == -t ]]; then
        limit=$2
        shift 2
    fi
    timeout -k 5 "$limit" nsenter -t "$STRANGER_INIT" -m -p -n -i -u --root --wd -- \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

# beside_stranger COMMAND...: a program of the lab's, with the stranger's network.
beside_stranger() {
    nsenter --net=/run/netns/stranger "$@"
}

# A glusterd that belongs to no pool.
stranger_glusterd() {
    stranger_forgets
    in_stranger glusterd
    eventually 30 in_stranger gluster --mode=script pool list
}

# Without a word: one that is asked to end writes down what it knows.
stranger_forgets() {
    in_stranger sh -c 'pkill -KILL -x "gluster.*"; sleep 1; umount -l /mnt 2>/dev/null
        rm -rf /var/lib/glusterd/peers /var/lib/glusterd/vols /var/lib/glusterd/glusterd.info'
}

stranger_uuid() {
    in_stranger sed -n 's/^UUID=//p' /var/lib/glusterd/glusterd.info
}

# stranger_calls lan|private: the nodes' names lead there, and packets for private addresses are sent to the node on the wire.
stranger_calls() {
    local node address
    for node in "${NODES[@]}"; do
        address=$(private_address "$node")
        [[ -z $address ]] || ip -n stranger route replace "$address/32" via "${NODE_ADDRESS[$node]}" dev eth0
        [[ $1 == private ]] || address=${NODE_ADDRESS[$node]}
        printf '%s %s %s.local\n' "$address" "$node" "$node"
    done >"$(stranger_root)/etc/hosts"
}

# stranger_stands_between NODE OTHER: each takes it for the other one. It hands everything on but what is for glusterd.
stranger_stands_between() {
    in_stranger sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0
    in_stranger iptables -t nat -A PREROUTING -i eth0 -d "${NODE_ADDRESS[$2]}" -p tcp --dport 24007:24008 -j REDIRECT
    stranger_lies arp eth0 "${NODE_MAC[$1]}" "${NODE_ADDRESS[$2]}" \
        "${NODE_MAC[$2]}" "${NODE_ADDRESS[$1]}"
}

# stranger_takes_the_name NODE OTHER: NODE takes it for OTHER.local. It hands on what only the true one can answer.
stranger_takes_the_name() {
    local true=${NODE_ADDRESS[$2]}
    in_stranger sysctl -qw net.ipv4.ip_forward=1
    in_stranger iptables -t nat -A PREROUTING -i eth0 -s "${NODE_ADDRESS[$1]}" -p tcp --dport 22 -j DNAT --to-destination "$true"
    in_stranger iptables -t nat -A PREROUTING -i eth0 -s "${NODE_ADDRESS[$1]}" -p udp --dport 51833 -j DNAT --to-destination "$true"
    in_stranger iptables -t nat -A POSTROUTING -o eth0 -d "$true" -j MASQUERADE
    eventually 60 link_local_address "$1"
    stranger_lies mdns eth0 "$2.local" "$STRANGER_ADDRESS" "${NODE_ADDRESS[$1]}" "$(link_local_address "$1")%eth0"
}

# stranger_lies WORD...: until it tells the truth.
stranger_lies() {
    # Not through a function of the shell's, which would be what is ended.
    nsenter --net=/run/netns/stranger python3 "$LAB_DIR/lib/forged.py" "$@" &
    STRANGER_LIAR=$!
}

stranger_tells_the_truth() {
    [[ -n $STRANGER_LIAR ]] || return 0
    kill "$STRANGER_LIAR"
    wait "$STRANGER_LIAR" 2>/dev/null || true
    STRANGER_LIAR=
    in_stranger iptables -t nat -F
}

# stranger_wireguard KEY ADDRESS...: a tunnel to every node that is on, with that private key and under these addresses.
stranger_wireguard() {
    local key=$1 node address
    shift
    in_stranger ip link show mkimage0 >/dev/null 2>&1 || in_stranger wireguard-go mkimage0
    in_stranger wg set mkimage0 private-key /dev/stdin <"$key"
    in_stranger ip link set mkimage0 mtu 1420 up
    for address; do
        in_stranger ip addr replace "$address/32" dev mkimage0
    done
    for node in "${NODES[@]}"; do
        node_is_on "$node" || continue
        address=$(private_address "$node")
        in_stranger wg set mkimage0 peer "$(wireguard_key "$node")" allowed-ips "$address/32" endpoint "${NODE_ADDRESS[$node]}:51833"
        in_stranger ip route replace "$address/32" dev mkimage0
    done
}

stranger_wireguard_off() {
    in_stranger ip link del mkimage0
}
