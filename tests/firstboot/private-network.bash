# The private network: its stage, what WireGuard is told, and the packet filter.

# a_network: an interface that exists, a WireGuard that writes down what it is told, and peers that answer unless they are in $WORLD/away.
a_network() {
    echo 'PRIVATE' >"$WORLD/etc/secrets/wireguard_key"
    : >"$WORLD/run/private-network"
    : >"$WORLD/away"
    # shellcheck disable=SC2016
    fake wg 'echo "$*" >>"$MKIMAGE_RUN/../wg.log"; [ "$1" != syncconf ] || cat >"$MKIMAGE_RUN/../wg.conf"'
    # shellcheck disable=SC2016
    fake nft 'echo "$*" >>"$MKIMAGE_RUN/../nft.log"; [ "$1" != -f ] || cat >"$MKIMAGE_RUN/../filter"'
    fake ip 'exit 0'
    # shellcheck disable=SC2016
    fake ping 'for address; do :; done; ! grep -qx "$address" "$MKIMAGE_RUN/../away"'
    # shellcheck disable=SC2016
    fake getent 'case $2 in pi4-1.local) echo "192.168.1.77 STREAM" ;; *) exit 2 ;; esac'
    stub_interface
}

# This machine has no such interface.
stub_interface() {
    cp -R "$FIRSTBOOT/lib" "$WORLD/lib"
    export MKIMAGE_LIB=$WORLD/lib
    echo 'private_network_is_up() { [ -e "$RUN/private-network" ]; }' >>"$WORLD/lib/private-network"
}

private_status() {
    jq -c . "$WORLD/run/parts/private"
}

nobody_is_looked_for_while_everybody_answers() { # test
    a_network
    stage private-network
    equal "$CODE $WHY" '0 '
    equal "$(private_status)" '{"address":"10.77.0.2","unreachable":[]}'
    [[ ! -e $WORLD/wg.log ]]
}

a_node_that_has_moved_is_found_by_its_name() { # test
    a_network
    printf '10.77.0.1\n10.77.0.3\n' >"$WORLD/away"
    sed -i 's/pi4-3\.local/192.168.1.33/' "$WORLD/etc/nodes"
    stage private-network
    equal "$CODE" 0
    contains "$WHY" 'pi4-1 pi4-3'
    equal "$(private_status)" '{"address":"10.77.0.2","unreachable":["pi4-1","pi4-3"]}'
    equal "$(sort "$WORLD/wg.log")" "$(printf 'set mkimage0 peer %s endpoint %s:51833\n' key1= 192.168.1.77 key3= 192.168.1.33)"
}

a_node_that_nobody_knows_is_only_told() { # test
    a_network
    echo 10.77.0.3 >"$WORLD/away"
    stage private-network
    equal "$CODE" 0
    contains "$WHY" pi4-3
    [[ ! -e $WORLD/wg.log ]]
}

a_network_that_is_gone_is_made_again() { # test
    a_network
    rm "$WORLD/run/private-network"
    # shellcheck disable=SC2016
    fake systemctl 'echo "$*" >>"$MKIMAGE_RUN/systemctl.log"
    case $1 in restart) : >"$MKIMAGE_RUN/private-network" ;; esac'
    stage private-network
    equal "$CODE" 0
    grep -q 'restart mkimage-private-network.service' "$WORLD/run/systemctl.log"
    rm "$WORLD/run/private-network"
    fake systemctl 'exit 1'
    fake journalctl 'echo "RTNETLINK answers: Operation not supported"'
    stage private-network
    equal "$CODE" 1
    contains "$WHY" 'RTNETLINK answers'
}

an_overlapping_network_of_the_owner_is_told() { # test
    a_network
    fake ip 'case $* in *route*) echo "10.77.0.0/24 dev eth0 proto kernel"; echo "10.77.0.1 dev mkimage0" ;; esac'
    stage private-network
    equal "$CODE" 0
    contains "$WHY" 'overlaps 10.77.0.0/24'
}

wireguard_takes_each_address_from_one_key_only() { # test
    a_network
    with_parts private-network make_private_network
    equal "$(cat "$WORLD/wg.conf")" "$(printf '%s\n' '[Interface]' 'PrivateKey = PRIVATE' 'ListenPort = 51833'
    for node in 1 3 4; do
        printf '%s\n' '[Peer]' "PublicKey = key$node=" "AllowedIPs = 10.77.0.$node/32" 'PersistentKeepalive = 25'
    done)"
}

the_key_is_in_no_argument_and_no_file() { # test
    a_network
    with_parts private-network make_private_network
    fails grep -rq PRIVATE "$WORLD/wg.log" "$WORLD/run"
}

the_packet_filter_is_taken_as_a_whole() { # test, root
    # The real nft, in a network of its own.
    with_parts private-network packet_filter >"$WORLD/rules"
    unshare --net sh -c 'nft -f "$1" && nft -f "$1" && nft list table inet mkimage' sh "$WORLD/rules" >"$WORLD/listed"
    equal "$(grep -c 'type filter hook' "$WORLD/listed")" 4
    grep -q 'ip saddr 10.77.0.0/24 drop' "$WORLD/listed"
}
