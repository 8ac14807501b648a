# Containers on two nodes, on an overlay network: packets of full size and a lot of data arrive, and they stay outside of the nodes' network.
here=pi4-3
there=pi3-1
healthy_cluster

# in_container NODE COMMAND...: the node's own programs, with the container's network.
in_container() {
    local pid
    pid=$(in_node "$1" docker inspect --format '{{.State.Pid}}' mklab-overlay)
    in_node "$1" nsenter -t "$pid" -n "${@:2}"
}

# pings BYTES: packets of that size, which may not be taken apart.
pings() {
    in_container "$here" ping -n -c 4 -i 0.2 -W 2 -M 'do' -s $(($1 - 28)) "$address"
}

sends_a_lot() {
    local got
    # With an input that stays open, because its end would end the connection.
    in_node "$there" docker exec --detach mklab-overlay /bin/busybox sh -c '/bin/busybox sleep 60 | /bin/busybox nc -l -p 9000 >/got'
    sleep 1
    # shellcheck disable=SC2016 # (the container's shell expands it)
    in_node "$here" -t 60 docker exec mklab-overlay /bin/busybox sh -c \
        '/bin/busybox head -c 50000000 /dev/zero | /bin/busybox nc -w 10 "$1" 9000' sh "$address" || return 1
    got=$(in_node "$there" docker exec mklab-overlay /bin/busybox wc -c /got)
    printf 'arrived: %s\n' "$got"
    [[ $got == '50000000 '* ]]
}

# try_network WORDS DOCKER-OPTION...: a network as a user makes it.
try_network() {
    local words=$1 node mtu
    shift
    check "$words" in_node "$MANAGER" docker network create --driver overlay --attachable "$@" mklab-overlay
    for node in "$here" "$there"; do
        check "a container on $node" in_node "$node" -t 90 docker run --detach --name mklab-overlay --network mklab-overlay \
            mklab/busybox /bin/busybox sleep 1000000
    done
    address=$(in_node "$there" docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' mklab-overlay)
    mtu=$(in_container "$here" ip -o link show eth0 | sed 's/.* mtu \([0-9]*\) .*/\1/')
    check "the two reach each other" eventually 60 pings 100
    say "the containers' MTU is $mtu, and the largest packet that fits 1370"
    if ((mtu <= 1370)); then
        check "every packet of full size arrives, from the first one on" pings "$mtu"
    else
        check "the largest packet that fits arrives" pings 1370
    fi
    check "50 MB arrive" sends_a_lot
    check_refused "a container on it does not reach glusterd" \
        in_container "$here" timeout 6 bash -c "exec 3<>/dev/tcp/$(private_address "$MANAGER")/24007"
    for node in "$here" "$there"; do
        in_node "$node" docker rm --force mklab-overlay
    done
    check "the network goes" eventually 60 in_node "$MANAGER" docker network rm mklab-overlay
}

is "the swarm's own network fits into the private one" 1420 \
    "$(in_node "$MANAGER" docker network inspect ingress --format '{{index .Options "com.docker.network.driver.mtu"}}')"
try_network "an overlay network as docs/cluster-file.md tells to make it" --opt com.docker.network.driver.mtu=1420
try_network "one that says nothing about its MTU"
drill_begins
drill_ends_well
