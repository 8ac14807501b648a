# Facts that must be true of a cluster. Each assertion says what it found instead.

CHECKS=0

# check WORDS COMMAND...: one thing that must be so.
check() {
    local words=$1 out=$LAB_SCRATCH/check.out
    shift
    if "$@" >"$out" 2>&1; then
        CHECKS=$((CHECKS + 1))
        say "ok: $words"
    else
        sed 's/^/    /' "$out" >&2
        fail "$words"
        return 1
    fi
}

# check_refused WORDS COMMAND...: one thing that must not be possible.
check_refused() {
    local words=$1
    shift
    check "$words" not "$@"
}

not() {
    ! "$@"
}

swarm_is_whole() {
    local node listing
    listing=$(in_node "$MANAGER" docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}')
    printf '%s\n' "$listing"
    (($(wc -l <<<"$listing") == ${#NODES[@]})) || return 1
    for node in "${NODES[@]}"; do
        if [[ ${NODE_ROLE[$node]} == manager ]]; then
            grep -qE "^$node Ready (Leader|Reachable)$" <<<"$listing" || return 1
        else
            grep -qE "^$node Ready ?$" <<<"$listing" || return 1
        fi
    done
}

volume_is_whole() {
    local info status
    info=$(in_node "$1" gluster --mode=script volume info cluster-data)
    printf '%s\n' "$info"
    grep -qx "Number of Bricks: 1 x ${#NODES[@]} = ${#NODES[@]}" <<<"$info" || return 1
    grep -qx 'Status: Started' <<<"$info" || return 1
    # The status lists the self-heal daemons beside the bricks; a brick has a path, and two lines on its state.
    status=$(in_node "$1" gluster --mode=script volume status cluster-data --xml | grep -A2 '<path>/')
    printf '%s\n' "$status"
    (($(grep -c '<status>1</status>' <<<"$status") == ${#NODES[@]}))
}

# private_says NODE NAMES: the nodes that it does not reach on the private network, `none` when it reaches all.
private_says() {
    local unreachable
    unreachable=$(node_status "$1" | jq -r '.private.unreachable | if length == 0 then "none" else sort | join(" ") end')
    printf '%s does not reach: %s\n' "$1" "$unreachable"
    [[ $unreachable == "$2" ]]
}

private_network_is_whole() {
    local node
    for node in "${NODES[@]}"; do
        [[ -z $(private_address "$node") ]] || private_says "$node" none || return 1
    done
}

# Counted first, which costs next to nothing; only an empty queue is then gone through file by file, which slows healing.
heal_queue_is_empty() {
    local listing
    for listing in 'statistics heal-count' info; do
        # shellcheck disable=SC2086 # (words)
        listing=$(in_node "$1" gluster --mode=script volume heal cluster-data $listing)
        printf '%s\n' "$listing"
        (($(grep -c '^Number of entries: 0$' <<<"$listing") == ${#NODES[@]})) || return 1
    done
}

volume_is_mounted() {
    local node
    for node; do
        in_node "$node" sh -c "findmnt -n -t fuse.glusterfs /mnt/cluster-data &&
            test -d /mnt/cluster-data/services-config && test -d /mnt/cluster-data/containers-data" || return 1
    done
}

# Every node writes a file; every node must read all of them as they were written.
files_are_shared() {
    local node reader sums='' sum
    for node in "${NODES[@]}"; do
        in_node "$node" sh -c "head -c 300000 /dev/urandom >/mnt/cluster-data/containers-data/from-$node && sync" || return 1
        sum=$(in_node "$node" sh -c "sha256sum </mnt/cluster-data/containers-data/from-$node") || return 1
        sums+="$node $sum"$'\n'
    done
    for reader in "${NODES[@]}"; do
        while read -r node sum _; do
            [[ -n $node ]] || continue
            [[ $(in_node "$reader" sh -c "sha256sum </mnt/cluster-data/containers-data/from-$node") == "$sum"* ]] || {
                echo "$reader reads the file of $node differently"
                return 1
            }
        done <<<"$sums"
    done
}

# service_start: a replica on every node, as somebody describes it on the volume, from an image that was imported,
# because there is no registry. On the host's network, because the lab's kernel may lack what a swarm's own needs.
service_start() {
    local node work=$LAB_SCRATCH/busybox libraries
    mkdir -p -- "$work/bin"
    cp -- "$(command -v busybox)" "$work/bin/busybox"
    # A busybox that needs libraries may have been installed before.
    mapfile -t libraries < <(ldd "$work/bin/busybox" 2>/dev/null | grep -o '/[^ ]*')
    ((${#libraries[@]} == 0)) || cp -L --parents -- "${libraries[@]}" "$work"
    for node in "${NODES[@]}"; do
        image_import "$node" || return 1
    done
    in_node "$MANAGER" sh -c "mkdir -p $SERVICE_FOLDER && cat >$SERVICE_FOLDER/docker-compose.yml" <<COMPOSE
services:
  web:
    image: mklab/busybox
    command: /bin/busybox sleep 1000000
    networks: [outside]
    deploy:
      replicas: ${#NODES[@]}
      placement: { max_replicas_per_node: 1 }
networks:
  outside: { external: true, name: host }
COMPOSE
    in_node "$MANAGER" docker stack deploy --resolve-image never -c "$SERVICE_FOLDER/docker-compose.yml" mklab
}
readonly SERVICE=mklab_web SERVICE_FOLDER=/mnt/cluster-data/services-config/mklab

image_import() {
    tar -C "$LAB_SCRATCH/busybox" -c . | in_node "$1" docker import - mklab/busybox || return 1
    in_node "$1" sync
}

service_runs() {
    local tasks
    tasks=$(in_node "$MANAGER" docker service ps "$SERVICE" --filter desired-state=running --format '{{.Node}} {{.CurrentState}}')
    printf '%s\n' "$tasks"
    (($(grep -c ' Running ' <<<"$tasks") == ${1:-${#NODES[@]}}))
}

compose_answers() {
    local node
    for node in "${NODES[@]}"; do
        in_node "$node" docker compose version || return 1
    done
}

# Everything that the first boot sets up on a node, in a form that can be compared.
node_fingerprint() {
    # shellcheck disable=SC2016 # (the node's shell expands it)
    in_node "$1" sh -c '
        dpkg-query -W -f "\${Package} \${Version} \${db:Status-Status}\n"
        find /etc /usr/local -xdev -type f ! -path "/etc/mtab" ! -name resolv.conf -exec sha256sum {} + | sort -k 2
        find /etc /usr/local -xdev ! -type f -printf "%p %y %m %U %G %l\n" | sort
        docker info --format "{{.Swarm.NodeID}} {{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}"
        cat /var/lib/glusterd/glusterd.info
        gluster --mode=script volume info cluster-data
        blkid -p /dev/sda
        findmnt -n -l -o TARGET,SOURCE,FSTYPE | grep -E "gluster|swarm|cluster-data" | sort
        getent passwd; getent group
    '
}

first_boot_again_changes_nothing() {
    local node
    for node in "${NODES[@]}"; do
        node_fingerprint "$node" >"$LAB_SCRATCH/before-$node" || return 1
        in_node "$node" systemctl restart mkimage-firstboot.service
    done
    sleep 3
    wait_state 'done' 60 "${NODES[@]}" || return 1
    for node in "${NODES[@]}"; do
        node_fingerprint "$node" >"$LAB_SCRATCH/after-$node" || return 1
        diff -u "$LAB_SCRATCH/before-$node" "$LAB_SCRATCH/after-$node" || return 1
    done
}

# The private keys' bodies, of OpenSSH's without their first two lines, which hold the public half, and the passwords.
secret_words() {
    local key
    while IFS= read -r -d '' key; do
        grep -v -- '-----' "$key" | sed 1,2d
    done < <(grep -rlZ 'PRIVATE KEY' "$CLUSTER_FOLDER/cluster.secrets")
    cat -- "$CLUSTER_FOLDER"/cluster.secrets/nodes/*/wireguard_key
    printf '%s\n%s\n' "$CLUSTER_PASSWORD_HASH" "$CLUSTER_WIFI_PASSWORD"
    in_node "$MANAGER" docker swarm join-token -q manager
    in_node "$MANAGER" docker swarm join-token -q worker
}

secrets_are_gone() {
    local node folder words=$LAB_SCRATCH/secret-words
    secret_words | grep -v '^$' >"$words"
    (($(wc -l <"$words") >= 12)) || {
        echo "too few secrets to look for: the search would prove nothing"
        return 1
    }
    for node in "${NODES[@]}"; do
        folder=$(node_folder "$node")
        if grep -rlF -f "$words" "$folder/boot" "$folder/root/var/lib/cloud" "$folder/root/var/log" 2>/dev/null; then
            return 1
        fi
        [[ ! -e $folder/boot/mkimage/secrets ]] || {
            echo "$node still has mkimage/secrets on its boot partition"
            return 1
        }
    done
}

# ask_as NODE ASKED WORDS...: asks as a thief of NODE's enrolment key could.
ask_as() {
    local node=$1 whom=$2
    shift 2
    "${ASK_FROM[@]}" timeout 60 ssh -F none -T -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityFile="$(enrolment_key "$node")" \
        -o UserKnownHostsFile="$CLUSTER_FOLDER/cluster.secrets/known_hosts" -o HostKeyAlias="$whom" \
        -o StrictHostKeyChecking=yes -o LogLevel=ERROR "${ASK_OPTIONS[@]}" "mkimage@${NODE_ADDRESS[$whom]}" "$@" </dev/null
}
ASK_OPTIONS=()
# The command that puts ssh elsewhere than on the laptop.
ASK_FROM=()

enrolment_key() {
    printf '%s/cluster.secrets/nodes/%s/enrolment_key\n' "$CLUSTER_FOLDER" "$1"
}

enrolment_is_narrow() {
    local worker=${NODES[1]} other=${NODES[2]} manager_token worker_token other_id
    manager_token=$(in_node "$MANAGER" docker swarm join-token -q manager)
    worker_token=$(in_node "$MANAGER" docker swarm join-token -q worker)
    other_id=$(in_node "$MANAGER" docker node inspect --format '{{.ID}}' "$other")
    check "a worker's key answers for its state" ask_as "$worker" "$MANAGER" state
    check "a worker's key gets a worker's token" grep -qF "$worker_token" <(ask_as "$worker" "$MANAGER" join-token)
    check_refused "a worker's key never gets a manager's token" \
        grep -qF "$manager_token" <(
            ask_as "$worker" "$MANAGER" join-token
            ask_as "$worker" "$MANAGER" join-token manager
            ask_as "$worker" "$MANAGER" join-token manager "$MANAGER"
        )
    check_refused "no shell" ask_as "$worker" "$MANAGER"
    check_refused "no other command" ask_as "$worker" "$MANAGER" id
    check_refused "no command hidden behind an allowed one" \
        grep -q 'uid=' <(
            ask_as "$worker" "$MANAGER" 'state; id' 2>&1
            # shellcheck disable=SC2016 # (the other end must not expand it either)
            ask_as "$worker" "$MANAGER" 'state $(id)' 2>&1
        )
    # shellcheck disable=SC2034 # (ask_as reads it)
    local ASK_OPTIONS=(-W "127.0.0.1:22" -o ExitOnForwardFailure=yes)
    check_refused "no forwarding" ask_as "$worker" "$MANAGER"
    ASK_OPTIONS=()
    check_refused "no other node's name" ask_as "$worker" "$MANAGER" forget-ghost "$other_id"
    check_refused "no stranger's key" bash -c "ssh-keygen -q -t ed25519 -N '' -f '$LAB_SCRATCH/stranger' <<<y >/dev/null
        timeout 30 ssh -F none -T -o BatchMode=yes -o IdentitiesOnly=yes -i '$LAB_SCRATCH/stranger' -o StrictHostKeyChecking=no \
            -o UserKnownHostsFile=/dev/null mkimage@${NODE_ADDRESS[$MANAGER]} state </dev/null"
}

# `mkimage status` on the laptop ends well and says what the nodes say.
status_is_done() {
    local node json=$LAB_SCRATCH/status.json
    mkimage status --json >"$json" || {
        jq -c '.. | objects | select(.reachable? != null and .status.state? != "done")' "$json" | cut -c 1-900 | tee "$LAB_SCRATCH/status.late"
        return 1
    }
    cat -- "$json"
    for node in "${NODES[@]}"; do
        [[ $(jq -r --arg node "$node" '.. | objects | select(.node? == $node and .state? != null) | .state' "$json" | head -n 1) == 'done' ]] || return 1
        [[ $(jq -r --arg node "$node" '.. | objects | select(.node? == $node and .swarm? != null) | .swarm.node_id' "$json" | head -n 1) == "$(node_status "$node" | jq -r .swarm.node_id)" ]] || return 1
    done
}

# status_says NODE PATTERN: `mkimage status` on the laptop shows it of a node, and does not end well.
status_says() {
    local json=$LAB_SCRATCH/status.json
    ! mkimage status --json >"$json" || return 1
    jq -r --arg node "$1" '.. | objects | select(.node? == $node and .stages? != null) | .stages[].error' "$json" | grep -E -- "$2"
}

# as_owner NODE COMMAND...: over ssh, by the words of docs/recovery.md.
as_owner() {
    timeout 600 ssh -F "$CLUSTER_FOLDER/cluster.secrets/ssh_config" -o BatchMode=yes "$@" </dev/null
}

# no_rights_from_files NODE: neither its volume nor its stick lets a file be a device or change the user.
no_rights_from_files() {
    in_node "$1" findmnt -rno TARGET,OPTIONS -t fuse.glusterfs,xfs | awk '
        # Not a folder of this machine that is a boot partition in the lab, nor a mount of seconds that Gluster makes for itself.
        $1 !~ "^/(mnt|glusterfs|var)/" { next }
        { seen++ }
        !/nosuid/ || !/nodev/ { print; wrong = 1 }
        END { exit wrong || !seen }'
}

# Facts that are true of every healthy cluster, however it became one.
cluster_is_healthy() {
    check "every node reaches every other on the private network" eventually 60 private_network_is_whole
    check "docker node ls: ${#NODES[@]} Ready, the right roles, no ghost" eventually 180 swarm_is_whole
    check "the volume has ${#NODES[@]} replicas, started, all bricks online" eventually 60 volume_is_whole "$MANAGER"
    check "the volume is mounted on all" eventually 60 volume_is_mounted "${NODES[@]}"
    # The program that the stranger wins against mounts them without these options.
    stranger_wins || check "nothing on volume and sticks gives more rights" on_every_node no_rights_from_files
    check "the heal queue is empty" eventually "${MKLAB_PATIENCE:-900}" heal_queue_is_empty "$MANAGER"
}

# systemd breaks a cycle by leaving a unit out of the start, which may be any.
no_unit_was_left_out() {
    local node
    for node in "${NODES[@]}"; do
        ! in_node "$node" journalctl -b -q --no-pager -g 'ordering cycle|deleted to break' || return 1
    done
}
