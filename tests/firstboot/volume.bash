# The pool and volume stages: a store of glusterd's, a brick with a file in it, and a gluster that does what it is told here.

# a_brick_of NODE: mounts a stick with that node's empty brick.
a_brick_of() {
    loop 320
    mkfs.xfs -q -f "$DEVICE"
    mount "$DEVICE" "$WORLD/brick"
    echo "$CLUSTER_ID $1 homelab" >"$WORLD/brick/.mkimage-brick"
    mkdir -p "$WORLD/brick/brick" "$WORLD/brick/state" "$WORLD/mnt"
}

# a_member: pi4-2 as a member of the pool, its brick mounted.
a_member() {
    a_brick_of pi4-2
    mkdir "$WORLD/brick/brick/.glusterfs"
    echo precious >"$WORLD/brick/brick/file"
    echo stick >"$WORLD/run/state-place"
    settings MKIMAGE_BRICK_DEVICE="$DEVICE" MKIMAGE_MOUNT="$WORLD/mnt"
    a_store
    mkdir -p "$WORLD/others"
    printf '%s\n' 'op-version 110000' 'a1 pi4-1' 'a2 pi4-2' 'a3 pi4-3' >"$WORLD/pool"
    # shellcheck disable=SC2016
    fake ssh 'for word; do case $word in mkimage@*) node=${word#mkimage@}; node=${node%.local} ;; esac; done
    [ -e "$MKIMAGE_RUN/../others/$node" ] || exit 255
    case $word in
        state) cat "$MKIMAGE_RUN/../others/$node" ;;
        peers) cat "$MKIMAGE_RUN/../pool" ;;
        *) echo "not now"; exit 10 ;;
    esac'
    fake journalctl 'echo "resolve brick failed"'
    fake sleep 'exit 0'
    fake systemd-escape 'echo mnt.mount'
}

a_store() {
    local store=$WORLD/glusterd
    mkdir -p "$store/peers" "$store/vols/cluster-data/bricks"
    printf 'UUID=a2\noperating-version=110000\n' >"$store/glusterd.info"
    printf 'uuid=a1\nstate=3\nhostname1=pi4-1\n' >"$store/peers/a1"
    printf 'uuid=a3\nstate=3\nhostname1=pi4-3\n' >"$store/peers/a3"
    printf 'status=1\nvolume-id=b1\nbrick-0=pi4-1:b\n' >"$store/vols/cluster-data/info"
    printf 'hostname=pi4-1\npath=/b\n' >"$store/vols/cluster-data/bricks/pi4-1:b"
    : >"$store/vols/cluster-data/marker.tstamp"
}

everybody_is_there() {
    local node
    for node in pi4-1 pi4-3; do
        printf '%s\n' "cluster $CLUSTER_ID" 'swarm active worker x 0' 'pool member' "volume ${1:-b1}" \
            'brick mounted 0-1' "$SAME_DESCRIPTION" >"$WORLD/others/$node"
    done
}

# glusterd_is_bound: to the node's private address, for which it is stopped once.
glusterd_is_bound() {
    with_parts glusterd bind_glusterd
    : >"$WORLD/run/systemctl.log"
}

precious_things() {
    (cd "$WORLD" && find glusterd brick/brick -type f -exec sha256sum {} + | sort -k 2)
}

# Two ways to be no use, in every stage and every answer that asks gluster.
a_gluster_that_fails_destroys_nothing() { # test, root
    local how words before
    a_member
    everybody_is_there
    before=$(precious_things)
    for how in fails hangs; do
        if [[ $how == fails ]]; then
            fake gluster 'echo "Connection failed. Please check if gluster daemon is operational."; exit 1'
        else
            # The exit code that `timeout` makes of it.
            # shellcheck disable=SC2016
            fake timeout 'for word; do [ "$word" != gluster ] || exit 124; done
            exec /usr/bin/timeout "$@"'
        fi
        for stage in pool volume 'done'; do
            stage "$stage"
            equal "$(precious_things)" "$before"
        done
        for words in state peers 'probe 11' 'add-brick fresh' 'add-brick kept'; do
            dash "$MKIMAGE_LIB/answer-as-root" pi4-3 "$words" || true
            equal "$(precious_things)" "$before"
        done
        # Nor when the volume is not known here, and this node would be the one to make it.
        mv "$WORLD/glusterd/vols" "$WORLD/vols"
        settings MKIMAGE_NODE=pi4-1 MKIMAGE_BRICK_DEVICE="$DEVICE" MKIMAGE_MOUNT="$WORLD/mnt" MKIMAGE_OTHERS_WAIT=0
        echo "$CLUSTER_ID pi4-1 homelab" >"$WORLD/brick/.mkimage-brick"
        stage volume
        [[ $CODE != 0 ]]
        [[ -e $WORLD/brick/brick/file ]]
        mv "$WORLD/vols" "$WORLD/glusterd/vols"
        settings MKIMAGE_BRICK_DEVICE="$DEVICE" MKIMAGE_MOUNT="$WORLD/mnt"
    done
}

a_glusterd_that_does_not_start_keeps_a_store_that_is_whole() { # test, root
    local before
    a_member
    everybody_is_there
    before=$(precious_things)
    # shellcheck disable=SC2016
    fake systemctl 'case "$*" in *is-active*) exit 1 ;; "start glusterd.service") exit 1 ;; esac'
    fake gluster 'exit 1'
    stage pool
    equal "$CODE" 1
    contains "$WHY" 'resolve brick failed'
    equal "$(precious_things)" "$before"
}

a_store_that_a_power_cut_has_damaged_is_taken_from_the_pool() { # test, root
    a_member
    everybody_is_there
    : >"$WORLD/glusterd/glusterd.info"
    # It starts once the store is whole again.
    # shellcheck disable=SC2016
    fake gluster '[ -s "$MKIMAGE_GLUSTERD_DIR/glusterd.info" ] || exit 1
    case "$*" in *"pool list"*) printf "UUID Hostname State\nu2 localhost Connected\n" ;; esac'
    fake systemctl 'exit 0'
    stage pool
    equal "$CODE" 0
    grep -qx UUID=a2 "$WORLD/glusterd/glusterd.info"
    equal "$(cat "$WORLD/brick/brick/file")" precious
}

# half_introduced: the pool has told this node of the volume, and of a member that has a brick in it nothing any more;
# with that no glusterd starts.
half_introduced() {
    a_member
    everybody_is_there
    rm "$WORLD/glusterd/peers/a3" "$WORLD/brick/brick/file"
    printf 'hostname=pi4-3\npath=/b\n' >"$WORLD/glusterd/vols/cluster-data/bricks/pi4-3:b"
    # shellcheck disable=SC2016
    fake gluster 'store=$MKIMAGE_GLUSTERD_DIR
    [ ! -e "$store/vols/cluster-data/bricks/pi4-3:b" ] || [ -e "$store/peers/a3" ] || exit 1
    printf "UUID Hostname State\na2 localhost Connected\n"'
    fake systemctl 'exit 0'
}

half_a_pool_is_forgotten_when_the_pool_has_forgotten_this_node() { # test, root
    half_introduced
    sed -i '/pi4-2/d' "$WORLD/pool"
    stage pool
    equal "$CODE" 10
    contains "$WHY" 'not in the pool yet'
    [[ ! -e $WORLD/glusterd/vols/cluster-data && ! -e $WORLD/glusterd/peers ]]
    grep -qx UUID=a2 "$WORLD/glusterd/glusterd.info"
}

half_a_pool_is_made_whole_by_a_pool_that_knows_this_node() { # test, root
    half_introduced
    stage pool
    equal "$CODE" 0
    grep -qx hostname1=pi4-3 "$WORLD/glusterd/peers/a3"
}

half_a_pool_is_never_forgotten_with_something_of_this_node_in_it() { # test, root
    local what before
    for what in brick file volume silence; do
        half_introduced
        sed -i '/pi4-2/d' "$WORLD/pool"
        case $what in
            brick) echo 'brick-1=pi4-2:b' >>"$WORLD/glusterd/vols/cluster-data/info" ;;
            file) echo precious >"$WORLD/brick/brick/file" ;;
            volume) mkdir "$WORLD/glusterd/vols/mine" && echo volume-id=m >"$WORLD/glusterd/vols/mine/info" ;;
            silence) rm "$WORLD/others/"* ;;
        esac
        before=$(precious_things)
        stage pool
        equal "$CODE" 1
        equal "$(precious_things)" "$before"
        umount "$WORLD/brick"
        rm -rf "$WORLD/glusterd" "$WORLD/others"
    done
}

# half_a_volume: what a cut in the middle of the very first "volume create" leaves, and a glusterd that does not start with it.
half_a_volume() {
    local node
    a_member
    rm "$WORLD"/glusterd/peers/* "$WORLD/brick/brick/file"
    : >"$WORLD/glusterd/vols/cluster-data/info"
    for node in pi4-1 pi4-3; do
        printf '%s\n' "cluster $CLUSTER_ID" 'swarm active worker x 0' 'pool none' 'volume none' >"$WORLD/others/$node"
    done
    # shellcheck disable=SC2016
    fake gluster '[ ! -e "$MKIMAGE_GLUSTERD_DIR/vols/cluster-data/info" ] || exit 1
    printf "UUID Hostname State\na2 localhost Connected\n"'
    fake systemctl 'exit 0'
    settings MKIMAGE_BRICK_DEVICE="$DEVICE" MKIMAGE_MOUNT="$WORLD/mnt" MKIMAGE_OTHERS_WAIT=100000000
    cut -d . -f 1 /proc/uptime >"$WORLD/run/started"
}

a_volume_whose_making_was_cut_off_is_made_anew() { # test, root
    half_a_volume
    stage pool
    equal "$CODE" 10
    [[ ! -e $WORLD/glusterd/vols/cluster-data ]]
    grep -qx UUID=a2 "$WORLD/glusterd/glusterd.info"
}

a_damaged_volume_that_somebody_may_know_is_never_forgotten() { # test, root
    local known
    for known in file peer silent; do
        half_a_volume
        case $known in
            file) echo precious >"$WORLD/brick/brick/file" ;;
            peer) : >"$WORLD/glusterd/peers/a1" ;;
            silent) rm "$WORLD/others/pi4-3" ;;
        esac
        stage pool
        equal "$CODE" 1
        [[ -e $WORLD/glusterd/vols/cluster-data/info ]]
        umount "$WORLD/brick"
        rm -rf "$WORLD/glusterd" "$WORLD/others"
    done
}

# pool_of_three REJECTED-STATE: pi4-3 and this node reject each other; what pi4-3 knows of the volume.
pool_of_three() {
    a_member
    everybody_is_there
    printf 'info=77\n' >"$WORLD/glusterd/vols/cluster-data/cksum"
    printf 'version=4\n' >>"$WORLD/glusterd/vols/cluster-data/info"
    echo "volume-state $1" >>"$WORLD/others/pi4-3"
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in
        *"pool list"*) printf "UUID Hostname State\na1 pi4-1 Connected\na3 pi4-3 Connected\na2 localhost Connected\n" ;;
        *"peer status"*) printf "\nHostname: pi4-1\nUuid: a1\nState: Peer in Cluster (Connected)\n"
            printf "\nHostname: pi4-3\nUuid: a3\nState: Peer Rejected (Connected)\n" ;;
    esac'
    # shellcheck disable=SC2016
    fake systemctl 'echo "$*" >>"$MKIMAGE_RUN/systemctl.log"'
}

two_that_reject_each_other_and_know_the_same_meet_again() { # test, root
    local try
    pool_of_three 77-4
    glusterd_is_bound
    for try in 1 2 3 4 5; do
        stage pool
        equal "$CODE" 1
        contains "$WHY" "pi4-3"
        equal "$(grep -c 'stop glusterd' "$WORLD/run/systemctl.log")" "$try"
    done
    # Not forever.
    stage pool
    equal "$CODE" 0
    equal "$(grep -c 'stop glusterd' "$WORLD/run/systemctl.log")" 5
}

a_peer_that_knows_another_volume_is_left_to_mend_itself() { # test, root
    pool_of_three 78-4
    glusterd_is_bound
    stage pool
    equal "$CODE" 0
    contains "$WHY" 'mends itself'
    ! grep -q 'stop glusterd' "$WORLD/run/systemctl.log"
}

# An add-brick that was cut off: half of the pool knows three bricks, half four, all as version 4.
a_member_that_knows_the_volume_otherwise_takes_it_from_the_first_member() { # test, root
    pool_of_three 98-4
    echo "volume-state 99-4" >>"$WORLD/others/pi4-1"
    glusterd_takes_over 99 4
    stage pool
    equal "$CODE" 1
    contains "$WHY" 'what pi4-1 knows'
    grep -qx theirs "$WORLD/glusterd/vols/cluster-data/info"
    equal "$(cat "$WORLD/brick/brick/file")" precious
}

a_node_that_the_pool_has_lost_is_taken_in_again_unless_it_has_something_to_lose() { # test, root
    local what before
    for what in file brick nothing; do
        pool_of_three 99-5
        echo "volume-state 99-5" >>"$WORLD/others/pi4-1"
        sed -i '/pi4-2/d' "$WORLD/pool"
        case $what in
            brick) echo 'brick-1=pi4-2:b' >>"$WORLD/glusterd/vols/cluster-data/info" ;;
        esac
        [[ $what == file ]] || rm "$WORLD/brick/brick/file"
        before=$(precious_things)
        stage pool
        if [[ $what != nothing ]]; then
            equal "$(precious_things)" "$before"
            umount "$WORLD/brick"
            continue
        fi
        equal "$CODE" 1
        contains "$WHY" 'taken in again'
        [[ ! -e $WORLD/glusterd/vols/cluster-data && ! -e $WORLD/glusterd/peers ]]
        grep -qx UUID=a2 "$WORLD/glusterd/glusterd.info"
    done
}

# A change that was applied to what lacked the one before: three replicas, two bricks, on the first member as well.
a_volume_without_replicas_counts_for_nothing() { # test, root
    pool_of_three 78-3
    echo "volume-state unsound" >>"$WORLD/others/pi4-1"
    printf 'replica_count=3\ncount=2\n' >>"$WORLD/glusterd/vols/cluster-data/info"
    glusterd_takes_over 78 3
    stage pool
    equal "$CODE" 1
    contains "$WHY" 'what pi4-3 knows'
}

# glusterd_takes_over CHECKSUM VERSION: the volume's description from a peer, once it has lost the volume.
glusterd_takes_over() {
    # shellcheck disable=SC2016
    fake systemctl 'volume=$MKIMAGE_GLUSTERD_DIR/vols/cluster-data
    case "$*" in
        "is-active"*) exit 1 ;;
        "start glusterd"*)
            [ ! -e "$volume/info" ] || exit 0
            mkdir -p "$volume"
            printf "theirs\nversion=%s\n" '"$2"' >"$volume/info"
            echo info='"$1"' >"$volume/cksum"
            ;;
    esac'
}

what_the_first_member_has_not_heard_of_yet_is_kept() { # test, root
    pool_of_three 78-4
    echo "volume-state 99-3" >>"$WORLD/others/pi4-1"
    stage pool
    equal "$CODE" 0
    grep -qx version=4 "$WORLD/glusterd/vols/cluster-data/info"
}

nothing_is_added_to_a_volume_of_which_two_nodes_know_different_things() { # test, root
    local known
    a_volume_of_three 3
    echo Disconnected >"$WORLD/run/pi4-1"
    for known in 78-4 unsound; do
        everybody_is_there
        echo "volume-state $known" >>"$WORLD/others/pi4-1"
        equal "$(dash "$MKIMAGE_LIB/answer-as-root" pi4-3 'add-brick fresh' || true)" \
            'pi4-1 knows the volume differently from pi4-2, which is settled first'
        fails grep -q 'add-brick' "$WORLD/run/gluster.log"
    done
    # One that has another volume has no say in this one.
    everybody_is_there
    printf 'volume b9\nvolume-state 78-57\npool member\n' >"$WORLD/others/pi4-1"
    echo 'volume-state 77-4' >>"$WORLD/others/pi4-3"
    dash "$MKIMAGE_LIB/answer-as-root" pi4-3 'add-brick fresh' || true
    grep -q 'add-brick' "$WORLD/run/gluster.log"
    # Nothing is added to a volume that this node does not know as a replica.
    : >"$WORLD/run/gluster.log"
    sed -i 's/^replica_count=.*/replica_count=4/' "$WORLD/glusterd/vols/cluster-data/info"
    contains "$(dash "$MKIMAGE_LIB/answer-as-root" pi4-3 'add-brick fresh' || true)" 'fewer bricks than replicas'
    fails grep -q 'add-brick' "$WORLD/run/gluster.log"
}

# The members' answers, and which of them counts.
every_node_follows_the_same_member() { # test, root
    local said
    pool_of_three 78-4
    while read -r said; do
        everybody_is_there
        read -r one three wanted <<<"$said"
        echo "volume-state $one" >>"$WORLD/others/pi4-1"
        echo "volume-state $three" >>"$WORLD/others/pi4-3"
        equal "$(with_parts agreement "disagreement \$RUN/../others")" "${wanted//_/ }"
    done <<'CASES'
77-4 77-4
99-4 77-4
99-4 98-4 pi4-1_99-4_77-4
98-4 98-4 pi4-1_98-4_77-4
98-3 98-3
98-3 98-5 pi4-3_98-5_77-4
98-10 98-9 pi4-1_98-10_77-4
unsound unsound
CASES
    # Another volume is nothing to agree with.
    everybody_is_there b9
    echo 'volume-state 99-57' >>"$WORLD/others/pi4-1"
    equal "$(with_parts agreement "disagreement \$RUN/../others")" ''
}

the_only_one_that_knows_the_latest_never_gives_it_up() { # test, root
    pool_of_three 78-3
    echo 'volume-state 78-3' >>"$WORLD/others/pi4-1"
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in
        *"pool list"*) printf "UUID Hostname State\na1 pi4-1 Connected\na3 pi4-3 Connected\na2 localhost Connected\n" ;;
        *"peer status"*) printf "\nHostname: pi4-1\nUuid: a1\nState: Peer Rejected (Connected)\n"
            printf "\nHostname: pi4-3\nUuid: a3\nState: Peer Rejected (Connected)\n" ;;
    esac'
    stage pool
    grep -qx version=4 "$WORLD/glusterd/vols/cluster-data/info"
}

# Without a rejection, while the volume is being built, and not forever.
taking_over_that_does_not_help_ends() { # test, root
    local try taken=0
    a_volume_of_three 3
    glusterd_takes_over 99 5
    for try in 1 2 3 4 5 6 7; do
        a_store
        printf 'count=3\nreplica_count=3\nversion=4\n' >>"$WORLD/glusterd/vols/cluster-data/info"
        printf 'info=77\n' >"$WORLD/glusterd/vols/cluster-data/cksum"
        everybody_is_there
        echo 'volume-state 99-5' >>"$WORLD/others/pi4-1"
        settings MKIMAGE_REPLICA=4 MKIMAGE_BRICK_DEVICE="$DEVICE" MKIMAGE_MOUNT="$WORLD/mnt"
        stage pool
        [[ $CODE != 1 ]] || taken=$((taken + 1))
    done
    equal "$taken" 5
}

# a_volume_of_three CLIENTS: the number of its bricks that this node's clients know; its add-brick is cut off.
a_volume_of_three() {
    local client
    echo Connected >"$WORLD/run/pi4-1"
    a_member
    settings MKIMAGE_BRICK_DEVICE="$DEVICE" MKIMAGE_MOUNT="$WORLD/mnt" MKIMAGE_REPLICA=4
    echo 'pi4-9 worker pi4-9.local yes 10.77.0.9 key9=' >>"$WORLD/etc/nodes"
    everybody_is_there
    printf '%s\n' "cluster $CLUSTER_ID" 'brick mounted 0-1' "$SAME_DESCRIPTION" >"$WORLD/others/pi4-9"
    printf 'count=3\nreplica_count=3\nversion=4\n' >>"$WORLD/glusterd/vols/cluster-data/info"
    printf 'info=77\n' >"$WORLD/glusterd/vols/cluster-data/cksum"
    for ((client = 0; client < $1; client++)); do
        printf 'volume cluster-data-client-%s\n    type protocol/client\nend-volume\n' "$client"
    done >"$WORLD/glusterd/vols/cluster-data/trusted-cluster-data.tcp-fuse.vol"
    # shellcheck disable=SC2016
    fake gluster 'echo "$*" >>"$MKIMAGE_RUN/gluster.log"
    case "$*" in
        *"pool list"*) printf "UUID Hostname State\na2 localhost Connected\na3 pi4-3 Connected\na9 pi4-9 Connected\na1 pi4-1 %s\n" "$(cat "$MKIMAGE_RUN/pi4-1")" ;;
        *"volume info"*) for node in pi4-1 pi4-2 pi4-9; do echo "Brick1: $node:/glusterfs/bricks/$node/brick"; done ;;
        *add-brick*) echo "Commit failed on pi4-3." && exit 1 ;;
    esac'
}

clients_hear_of_a_brick_whose_taking_in_was_cut_off() { # test, root
    local node
    a_volume_of_three 2
    stage volume
    grep -q 'volume set cluster-data' "$WORLD/run/gluster.log"
    # At the node that was adding it, at once.
    echo Disconnected >"$WORLD/run/pi4-1"
    : >"$WORLD/run/gluster.log"
    for node in pi4-1 pi4-3; do
        echo 'volume-state 77-4' >>"$WORLD/others/$node"
    done
    ! dash "$MKIMAGE_LIB/answer-as-root" pi4-3 'add-brick fresh'
    equal "$(grep -o 'add-brick\|volume set' "$WORLD/run/gluster.log" | paste -s -d ' ')" 'add-brick volume set'
}

a_brick_whose_files_a_power_cut_has_emptied_starts_again() { # test, root
    a_volume_of_three 3
    : >"$WORLD/glusterd/vols/cluster-data/cluster-data.pi4-2.glusterfs-bricks-pi4-2-brick.vol"
    stage volume
    grep -q 'volume set cluster-data' "$WORLD/run/gluster.log"
}

clients_that_know_all_bricks_are_left_alone() { # test, root
    a_volume_of_three 3
    stage volume
    fails grep -q 'volume set' "$WORLD/run/gluster.log"
}

# An add-brick that failed at another member, and that this node's glusterd has in mind all the same.
a_change_that_failed_elsewhere_is_forgotten() { # test, root
    local try
    a_volume_of_three 3
    # shellcheck disable=SC2016
    fake systemctl 'echo "$*" >>"$MKIMAGE_RUN/systemctl.log"'
    sed -i 's/count=3/count=2/' "$WORLD/glusterd/vols/cluster-data/info"
    glusterd_is_bound
    for try in 1 2 3 4 5 6; do
        stage volume
        equal "$(grep -c 'stop glusterd' "$WORLD/run/systemctl.log")" "$((try < 5 ? try : 5))"
    done
    sed -i 's/count=2/count=3/' "$WORLD/glusterd/vols/cluster-data/info"
    : >"$WORLD/run/systemctl.log"
    stage volume
    fails grep -q 'stop glusterd' "$WORLD/run/systemctl.log"
}

# A probe cut off in the middle: pi4-1 has a brick, pi4-3 has none.
a_probe_that_was_cut_off_does_not_stop_the_next() { # test, root
    a_member
    everybody_is_there
    printf 'uuid=a1\nstate=4\nhostname1=pi4-1\n' >"$WORLD/glusterd/peers/a1"
    printf 'uuid=a3\nstate=1\nhostname1=pi4-3\n' >"$WORLD/glusterd/peers/a3"
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in
        *"pool list"*) printf "UUID Hostname State\na1 pi4-1 Connected\na2 localhost Connected\n" ;;
        *"peer status"*) printf "State: Peer in Cluster (Connected)\n" ;;
    esac'
    # One that is on its way is left alone.
    stage pool
    [[ -e $WORLD/glusterd/peers/a3 ]]
    touch -d '2 minutes ago' "$WORLD/glusterd/peers/"*
    stage pool
    equal "$CODE" 0
    [[ ! -e $WORLD/glusterd/peers/a3 ]]
    grep -qx state=3 "$WORLD/glusterd/peers/a1"
}

# glusterd starts with an empty one, and nobody can be taken into a pool with it.
options_that_a_power_cut_has_emptied_are_written_anew() { # test, root
    local options=$WORLD/glusterd/options
    a_member
    everybody_is_there
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in
        *"pool list"*) printf "UUID Hostname State\na1 pi4-1 Connected\na3 pi4-3 Connected\na2 localhost Connected\n" ;;
        *"peer status"*) printf "State: Peer in Cluster (Connected)\n" ;;
    esac'
    # shellcheck disable=SC2016
    fake systemctl 'options=$MKIMAGE_GLUSTERD_DIR/options
    echo "$*" >>"$MKIMAGE_RUN/systemctl.log"
    case "$*" in
        is-active*) [ -e "$options" ] ;;
        "start glusterd"*) [ -e "$options" ] || echo global-option-version=0 >"$options" ;;
    esac'
    : >"$options"
    stage pool
    equal "$CODE" 0
    equal "$(cat "$options")" global-option-version=0
    # Whole ones stay, and glusterd goes on.
    echo 'cluster.op-version=1' >>"$options"
    : >"$WORLD/run/systemctl.log"
    stage pool
    equal "$CODE" 0
    grep -qx 'cluster.op-version=1' "$options"
    ! grep -q stop "$WORLD/run/systemctl.log"
}

# The member that took this node in is known by its address.
a_peer_known_by_its_address_is_called_by_its_name() { # test, root
    a_member
    everybody_is_there
    printf 'uuid=a1\nstate=3\nhostname1=10.77.0.1\n' >"$WORLD/glusterd/peers/a1"
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in
        *"pool list"*) printf "UUID Hostname State\na1 10.77.0.1 Connected\na3 pi4-3 Connected\na2 localhost Connected\n" ;;
        *"peer status"*) printf "State: Peer in Cluster (Connected)\n" ;;
        *"peer probe"*) echo "$*" >>"$MKIMAGE_RUN/probes"; echo "hostname2=pi4-1" >>"$MKIMAGE_GLUSTERD_DIR/peers/a1" ;;
    esac'
    stage pool
    equal "$CODE" 0
    equal "$(cat "$WORLD/run/probes")" '--mode=script peer probe pi4-1'
    equal "$(with_parts pool 'pool_first')" pi4-1
}

two_that_reject_each_other_both_keep_what_they_have() { # test, root
    local before
    a_member
    everybody_is_there
    before=$(precious_things)
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in
        *"pool list"*) printf "UUID Hostname State\nu1 pi4-1 Connected\nu3 pi4-3 Disconnected\nu2 localhost Connected\n" ;;
        *"peer status"*) printf "State: Peer Rejected (Connected)\nState: Peer in Cluster (Disconnected)\n" ;;
    esac'
    stage pool
    equal "$(precious_things)" "$before"
}

two_volumes_of_one_name_are_left_to_a_person() { # test, root
    local before
    a_member
    everybody_is_there b9
    rm "$WORLD"/glusterd/peers/*
    before=$(precious_things)
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in *"pool list"*) printf "UUID Hostname State\nu2 localhost Connected\n" ;; esac'
    stage pool
    equal "$CODE" 11
    contains "$WHY" 'two volumes'
    equal "$(precious_things)" "$before"
}

# The node with the first brick, new, in a cluster that may have a pool.
a_new_first_node() {
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager
    mkdir -p "$WORLD/others"
    echo stick >"$WORLD/run/state-place"
    cut -d . -f 1 /proc/uptime >"$WORLD/run/started"
    fake gluster 'printf "UUID Hostname State\nu1 localhost Connected\n"'
    # shellcheck disable=SC2016
    fake ssh 'for word; do case $word in mkimage@*) node=${word#mkimage@}; node=${node%.local} ;; esac; done
    [ -e "$MKIMAGE_RUN/../others/$node" ] && cat "$MKIMAGE_RUN/../others/$node"'
}

no_second_pool_is_begun_while_others_may_be_starting() { # test
    a_new_first_node
    printf '%s\n' "cluster $CLUSTER_ID" 'pool none' >"$WORLD/others/pi4-2"
    printf '%s\n' "cluster $CLUSTER_ID" 'pool unknown' >"$WORLD/others/pi4-3"
    stage pool
    equal "$CODE" 10
    contains "$WHY" 'waiting for pi4-3 to tell'
    # pi3-1 has no brick, so it has nothing to tell.
    printf '%s\n' "cluster $CLUSTER_ID" 'pool none' >"$WORLD/others/pi4-3"
    stage pool
    equal "$CODE" 0
    rm "$WORLD"/others/*
    export MKIMAGE_OTHERS_WAIT=0
    stage pool
    equal "$CODE" 0
}

an_empty_folder_answers_nothing_before_the_state_is_found() { # test
    local said
    settings
    fake docker 'exit 1'
    fake gluster 'exit 1'
    said=$(dash "$MKIMAGE_LIB/answer-as-root" pi4-1 state)
    contains "$said" 'swarm unknown'
    contains "$said" 'pool unknown'
    contains "$said" 'volume unknown'
    echo stick >"$WORLD/run/state-place"
    said=$(dash "$MKIMAGE_LIB/answer-as-root" pi4-1 state)
    contains "$said" 'swarm inactive'
    contains "$said" 'pool none'
    contains "$said" 'volume none'
}

allowed() {
    # shellcheck disable=SC2016
    with_parts volume-options 'mount_permissions "$(cat "$MKIMAGE_RUN/../info")"'
}

only_the_nodes_mount_the_volume() { # test
    : >"$WORLD/info"
    equal "$(allowed)" auth.allow=10.77.0.1,pi4-1,10.77.0.2,pi4-2,10.77.0.3,pi4-3,10.77.0.4,pi3-1
    # A machine that was let in by hand stays in.
    echo 'auth.allow: 192.168.1.9' >"$WORLD/info"
    contains "$(allowed)" 192.168.1.9,
    echo 'auth.allow: *' >"$WORLD/info"
    equal "$(allowed)" ''
}

glusterd_listens_in_the_private_network_only() { # test
    # shellcheck disable=SC2016
    fake systemctl 'echo "$*" >>"$MKIMAGE_RUN/systemctl.log"'
    with_parts glusterd bind_glusterd
    equal "$(cat "$WORLD/glusterd.vol")" "$(printf 'volume management\n    type mgmt/glusterd\n    option transport.socket.bind-address 10.77.0.2\nend-volume')"
    grep -q '^stop glusterd' "$WORLD/run/systemctl.log"
    rm "$WORLD/run/systemctl.log"
    with_parts glusterd bind_glusterd
    [[ ! -e $WORLD/run/systemctl.log ]]
    sed -i 's/10.77.0.2/0.0.0.0/' "$WORLD/glusterd.vol"
    with_parts glusterd bind_glusterd
    equal "$(grep -c bind-address "$WORLD/glusterd.vol")" 1
    grep -q 10.77.0.2 "$WORLD/glusterd.vol"
}

# A docker in place of the one in docker.bash: containers as `docker inspect` prints them.
containers_came_too_early() { # test
    : >"$WORLD/run/docker-was-first"
    # shellcheck disable=SC2016
    fake docker 'case $1 in
        ps) echo "a b c d e f" ;;
        inspect) printf "%s\n" "a exited always failed - /mnt/cluster-data/a " "b running always - - /srv /mnt/cluster-data/b " \
            "c running no - task /mnt/cluster-data " "d running always - - /mnt/cluster-data-of-mine " \
            "e exited unless-stopped - - /mnt/cluster-data/e " "f created no failed - /mnt/cluster-data/f " ;;
        *) echo "$*" >>"'"$WORLD"'/docker.log" ;;
    esac'
    with_parts containers start_what_came_too_early
    equal "$(tr '\n' ';' <"$WORLD/docker.log")" 'start a;restart b;kill c;'
    rm "$WORLD/docker.log"
    with_parts containers start_what_came_too_early
    [[ ! -e $WORLD/docker.log ]]
}

a_docker_that_waits_for_the_volume_was_not_first() { # test
    fake systemctl 'echo 0'
    with_parts containers docker_was_first
    [[ ! -e $WORLD/run/docker-was-first ]]
    fake systemctl 'echo 4711'
    with_parts containers docker_was_first
    [[ -e $WORLD/run/docker-was-first ]]
}

a_brick_that_cannot_be_read_is_never_called_empty() { # test, root
    a_member
    fake find 'echo "find: Input/output error" >&2; exit 1'
    # shellcheck disable=SC2016
    with_parts volume-brick set_brick_aside
    [[ -n $(cat "$WORLD"/brick/brick.set-aside-*/file) ]]
}

# a_new_volume: the first node with an empty brick on its stick, which would make the volume.
a_new_volume() {
    a_brick_of pi4-1
    echo 1 >"$WORLD/brick/state/epoch"
    a_new_first_node
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager MKIMAGE_BRICK_DEVICE="$DEVICE" MKIMAGE_MOUNT="$WORLD/mnt"
    export MKIMAGE_OTHERS_WAIT=0
    fake sleep 'exit 0'
    # shellcheck disable=SC2016
    fake gluster 'echo "$*" >>"$MKIMAGE_RUN/gluster.log"
    printf "UUID Hostname State\nu1 localhost Connected\n"
    case "$*" in *"volume create"*) exit 1 ;; esac'
}

made_a_volume() {
    grep -q 'volume create' "$WORLD/run/gluster.log"
}

no_second_volume_is_begun_once_one_was_heard_of() { # test, root
    local stage
    for stage in pool volume; do
        a_new_volume
        printf '%s\n' "cluster $CLUSTER_ID" 'pool member' 'volume b1' >"$WORLD/others/pi4-2"
        stage "$stage"
        equal "$CODE" 10
        rm "$WORLD/others/pi4-2"
        stage volume
        equal "$CODE" 11
        contains "$WHY" 'There was a volume'
        fails made_a_volume
        dash "$MKIMAGE_LIB/recover" new-volume
        stage volume
        made_a_volume
        umount "$WORLD/brick"
        rm "$WORLD/run/gluster.log"
    done
}

a_volume_that_was_begun_on_another_stick_is_not_begun_again() { # test, root
    a_new_volume
    stage volume
    made_a_volume
    rm "$WORLD/run/gluster.log"
    # It was cut off, and is made here all the same.
    stage volume
    made_a_volume
    rm "$WORLD/run/gluster.log"
    echo 2 >"$WORLD/brick/state/epoch"
    stage volume
    equal "$CODE" 11
    contains "$WHY" 'There was a volume'
    fails made_a_volume
}

# a_pool_of_three_with_first LEAVING: pi4-1 is LEAVING: `gone` or `leaving`. Everybody has the same description and is connected, with its stick.
a_pool_whose_first_is() {
    local node
    pool_of_three 77-4
    printf 'count=3\nreplica_count=3\n' >>"$WORLD/glusterd/vols/cluster-data/info"
    if [[ $1 == gone ]]; then
        sed -i '/^pi4-1 /d' "$WORLD/etc/nodes"
        echo 'pi4-1 10.77.0.1' >"$WORLD/etc/gone"
    else
        # Those that leave come last in a description.
        { grep -v '^pi4-1 ' "$WORLD/etc/nodes"; grep '^pi4-1 ' "$WORLD/etc/nodes"; } >"$WORLD/ordered"
        mv "$WORLD/ordered" "$WORLD/etc/nodes"
        echo pi4-1 >"$WORLD/etc/leaving"
    fi
    for node in pi4-1 pi4-3; do
        printf '%s\n' 'volume-state 77-4' 'brick mounted 0-1' "$SAME_DESCRIPTION" >>"$WORLD/others/$node"
    done
    # shellcheck disable=SC2016
    fake gluster 'world=$MKIMAGE_RUN/..
    echo "$*" >>"$world/gluster.log"
    case "$*" in
        *"pool list"*) printf "UUID Hostname State\na1 pi4-1 %s\na3 pi4-3 %s\na2 localhost Connected\n" "$(cat "$world/first")" "$(cat "$world/third")" ;;
        *"peer status"*) printf "\nHostname: pi4-3\nUuid: a3\nState: Peer in Cluster (Connected)\n" ;;
        *"volume info"*) printf "Brick1: 10.77.0.1:/b\nBrick2: pi4-2:/b\nBrick3: pi4-3:/b\n" ;;
    esac'
    echo Connected >"$WORLD/third"
    echo Disconnected >"$WORLD/first"
    [[ $1 == gone ]] || echo Connected >"$WORLD/first"
}

nobody_was_taken_out() {
    fails grep -qE 'remove-brick|detach' "$WORLD/gluster.log"
}

a_node_that_was_taken_out_is_removed_from_the_volume_and_the_pool() { # test, root
    a_pool_whose_first_is gone
    stage pool
    grep -q 'volume remove-brick cluster-data replica 2 10.77.0.1:/b force$' "$WORLD/gluster.log"
    grep -q 'peer detach pi4-1 force$' "$WORLD/gluster.log"
    fails grep -q 'remove-brick.*pi4-[23]' "$WORLD/gluster.log"
}

a_node_that_leaves_is_detached_while_it_is_there_and_its_brick_is_out() { # test, root
    local words
    a_pool_whose_first_is leaving
    stage pool
    equal "$(grep -oE 'volume remove-brick cluster-data replica 2 10.77.0.1:/b force|peer detach .*' "$WORLD/gluster.log" | paste -s -d ';')" \
        'volume remove-brick cluster-data replica 2 10.77.0.1:/b force;peer detach pi4-1 force'
    for words in 'add-brick fresh' 'probe 11'; do
        equal "$(dash "$MKIMAGE_LIB/answer-as-root" pi4-1 "$words" || true)" 'pi4-1 is leaving the cluster'
    done
}

a_node_that_leaves_does_not_ask_for_its_place_again() { # test, root
    a_pool_whose_first_is leaving
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_MOUNT="$WORLD/mnt"
    rm -r "$WORLD/glusterd/vols" "$WORLD/glusterd/peers"
    fake pidof 'exit 0'
    stub glusterd 'start_glusterd() { :; }'
    for name in pool volume; do
        stage "$name"
        equal "$CODE" 0
    done
    fails grep -q create "$WORLD/gluster.log"
}

a_peer_that_has_gone_is_detached_once_its_connection_has_ended() { # test, root
    a_pool_whose_first_is gone
    echo Connected >"$WORLD/first"
    stage pool
    contains "$WHY" 'still connected'
    fails grep -q detach "$WORLD/gluster.log"
    echo Disconnected >"$WORLD/first"
    stage pool
    grep -q 'peer detach pi4-1 force' "$WORLD/gluster.log"
}

nobody_is_taken_out_while_too_few_are_there_or_by_anybody_but_the_first() { # test, root
    a_pool_whose_first_is gone
    # Of the two that are left, one is not a majority.
    echo Disconnected >"$WORLD/third"
    stage pool
    contains "$WHY" 'less than half'
    nobody_was_taken_out
    echo Connected >"$WORLD/third"
    { grep '^pi4-3 ' "$WORLD/etc/nodes"; grep -v '^pi4-3 ' "$WORLD/etc/nodes"; } >"$WORLD/reversed"
    mv "$WORLD/reversed" "$WORLD/etc/nodes"
    stage pool
    nobody_was_taken_out
}

a_node_goes_only_when_those_that_stay_have_everything_and_know_it() { # test, root
    a_pool_whose_first_is gone
    echo 'blames pi4-2' >>"$WORLD/others/pi4-3"
    nobody_goes_yet
}

a_node_leaves_only_when_those_that_stay_have_everything_and_know_it() { # test, root
    a_pool_whose_first_is leaving
    # Its files are the others' as well.
    echo 'blames pi4-3' >>"$WORLD/others/pi4-1"
    nobody_goes_yet
}

# Once nobody blames another one, pi4-3 has another description, and then no stick.
nobody_goes_yet() {
    stage pool
    nobody_was_taken_out
    sed -i '/^blames/d' "$WORLD"/others/*
    sed -i 's/^description 1/description 2/' "$WORLD/others/pi4-3"
    stage pool
    nobody_was_taken_out
    sed -i 's/^description 2/description 1/; s/^brick .*/brick none/' "$WORLD/others/pi4-3"
    stage pool
    nobody_was_taken_out
    sed -i 's/^brick .*/brick mounted 0-1/' "$WORLD/others/pi4-3"
    stage pool
    grep -q remove-brick "$WORLD/gluster.log"
}

a_node_that_leaves_is_there_and_knows_it() { # test, root
    a_pool_whose_first_is leaving
    echo Disconnected >"$WORLD/first"
    stage pool
    contains "$WHY" 'is taken out when'
    echo Connected >"$WORLD/first"
    sed -i 's/^description 1/description 0/' "$WORLD/others/pi4-1"
    stage pool
    nobody_was_taken_out
}

a_brick_blames_those_that_lack_what_it_has() { # test, root
    local index gfid=0badcafe-0000-4000-8000-000000000001
    a_member
    index=$WORLD/brick/brick/.glusterfs/indices/xattrop
    printf 'hostname=pi4-1\nbrick-id=cluster-data-client-0\n' >"$WORLD/glusterd/vols/cluster-data/bricks/pi4-1:b"
    printf 'hostname=pi4-3\nbrick-id=cluster-data-client-7\n' >"$WORLD/glusterd/vols/cluster-data/bricks/pi4-3:b"
    mkdir -p "$index" "$WORLD/brick/brick/.glusterfs/0b/ad"
    equal "$(with_parts blame blamed_nodes)" ''
    equal "$(with_parts blame look_at_index | head -n 1)" 0
    : >"$index/xattrop-1"
    : >"$index/$gfid"
    # Of a file that was deleted meanwhile.
    : >"$index/1badcafe-0000-4000-8000-000000000001"
    equal "$(with_parts blame blamed_nodes)" ''
    ln "$WORLD/brick/brick/file" "$WORLD/brick/brick/.glusterfs/0b/ad/$gfid"
    setfattr -n trusted.afr.cluster-data-client-0 -v 0x000000000000000000000000 "$WORLD/brick/brick/file"
    setfattr -n trusted.afr.dirty -v 0x000000010000000000000000 "$WORLD/brick/brick/file"
    equal "$(with_parts blame blamed_nodes)" ''
    setfattr -n trusted.afr.cluster-data-client-7 -v 0x000000000000000100000000 "$WORLD/brick/brick/file"
    equal "$(with_parts blame blamed_nodes)" pi4-3
    equal "$(with_parts blame look_at_index | head -n 1)" 1
    # A brick that is in the volume no more lacks nothing.
    rm "$WORLD/glusterd/vols/cluster-data/bricks/pi4-3:b"
    equal "$(with_parts blame look_at_index | head -n 1)" 0
    equal "$(with_parts blame blamed_nodes)" ''
    # Without the bricks' names, the notes say nothing.
    mv "$WORLD/glusterd/vols/cluster-data/bricks/pi4-1:b" "$WORLD/kept"
    equal "$(with_parts blame look_at_index | head -n 1)" 2
    mv "$WORLD/kept" "$WORLD/glusterd/vols/cluster-data/bricks/pi4-1:b"
    # Many are looked at in the background: until then, every brick may lack something.
    printf 'hostname=pi4-3\nbrick-id=cluster-data-client-7\n' >"$WORLD/glusterd/vols/cluster-data/bricks/pi4-3:b"
    seq -f "$index/0badcafe-0000-4000-8000-%012.0f" 2 1001 | xargs touch
    equal "$(with_parts blame blamed_nodes | paste -s -d ' ')" 'pi4-1 pi4-3'
    until_true 20 test -e "$WORLD/run/blame-many"
    equal "$(with_parts blame look_at_index | paste -s -d ' ')" '1 cluster-data-client-7'
    equal "$(with_parts blame blamed_nodes)" pi4-3
}

a_spare_stick_stays_as_it_is_while_it_is_taken_in() { # test, root
    a_member
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in
        *"volume info"*) echo "Brick1: pi4-1:/b" ;;
        *"pool list"*) printf "UUID Hostname State\na1 pi4-1 Connected\na2 localhost Connected\n" ;;
    esac'
    # shellcheck disable=SC2016
    fake ssh 'echo "spare: a set of 3 sticks lacks 1"'
    rm -r "$WORLD/brick/brick"
    with_parts volume-brick take_brick_in
    [[ -e $WORLD/run/spare ]]
    contains "$(cat "$WORLD/run/stages/sh.why")" 'this stick is a spare'
    grep -qx 'spare yes' < <(with_parts membership tell_of_brick)
    # Gluster has marked it, and does not list it yet.
    setfattr -n trusted.glusterfs.volume-id -v 0x0123 "$WORLD/brick/brick"
    fails with_parts volume-brick take_brick_in
    getfattr --absolute-names -n trusted.glusterfs.volume-id "$WORLD/brick/brick"
    fails grep -qx 'spare yes' < <(with_parts membership tell_of_brick)
    # It never did: after some minutes the next try begins anew.
    fails with_parts volume-brick take_brick_in
    getfattr --absolute-names -n trusted.glusterfs.volume-id "$WORLD/brick/brick"
    echo "$(($(cut -d . -f 1 /proc/uptime) - 180))" >"$WORLD/run/spare-marked"
    fails with_parts volume-brick take_brick_in
    with_parts volume-brick take_brick_in
    fails getfattr --absolute-names -n trusted.glusterfs.volume-id "$WORLD/brick/brick"
}

# clients_of_a_brick ONLINE STARTED: pi4-1, the first of the pool, whose own client sees that many of three bricks, and whose brick and
# glusterd were started at these ticks.
clients_of_a_brick() {
    mkdir -p "$WORLD/proc/7" "$WORLD/proc/8" "$WORLD/run/gluster"
    printf '7 (gluster fsd) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 20 0 1 0 %s 1\n' "$2" >"$WORLD/proc/7/stat"
    printf '8 (glusterd) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 20 0 1 0 %s 1\n' "$3" >"$WORLD/proc/8/stat"
    echo "${4:-0}" >"$WORLD/run/lacking"
    export MKIMAGE_PROC=$WORLD/proc MKIMAGE_STUCK_WAIT=0
    rm -rf "$WORLD/run/tries" "$WORLD/run/stuck"
    settings MKIMAGE_NODE=pi4-1
    fake sleep 'exit 0'
    # shellcheck disable=SC2016
    fake systemctl 'echo "$*" >>"$MKIMAGE_RUN/../systemctl.log"; case "$*" in *MainPID*) echo 8 ;; esac'
    # shellcheck disable=SC2016
    fake gluster 'echo "$*" >>"$MKIMAGE_RUN/../gluster.log"
    case "$*" in
        *"pool list") printf "UUID Hostname State\na1 ${FIRST-localhost} Connected\na2 pi4-2 Connected\na3 pi4-3 Connected\n" ;;
        *"volume status"*) for at in 1 2 ${SERVES-3}; do printf "<path>/x</path>\n<peerid>p</peerid>\n<status>1</status>\n"; done ;;
    esac'
    : >"$WORLD/gluster.log"
    : >"$WORLD/systemctl.log"
    # The stage knows this by then. No test has a real process.
    # shellcheck disable=SC2034
    PARTS="volume_total=3; volume_online=$1; brick_process_runs() { services_pid=7; }"
}

a_glusterd_that_was_started_under_its_brick_is_started_with_it() { # test
    clients_of_a_brick 3 100 50
    with_parts stuck-clients "$PARTS; restart_an_outlived_glusterd"
    fails grep -q 'stop glusterd' "$WORLD/systemctl.log"
    clients_of_a_brick 3 50 100
    with_parts stuck-clients "$PARTS; restart_an_outlived_glusterd"
    grep -q 'stop glusterd' "$WORLD/systemctl.log"
    # Not while the volume needs this brick.
    for how in '2 50 100 0' '3 50 100 4'; do
        # shellcheck disable=SC2086
        clients_of_a_brick $how
        with_parts stuck-clients "$PARTS; restart_an_outlived_glusterd"
        fails grep -q 'stop glusterd' "$WORLD/systemctl.log"
    done
}

clients_that_do_not_find_a_running_brick_are_freed() { # test
    clients_of_a_brick 3 100 50
    with_parts stuck-clients "$PARTS; free_stuck_clients"
    fails grep -q 'volume' "$WORLD/gluster.log"
    clients_of_a_brick 2 100 50
    with_parts stuck-clients "$PARTS; free_stuck_clients"
    grep -q 'volume set cluster-data performance.open-behind off' "$WORLD/gluster.log"
    grep -q 'volume start cluster-data force' "$WORLD/gluster.log"
    # A brick that is really down.
    clients_of_a_brick 2 100 50
    SERVES='' with_parts stuck-clients "$PARTS; free_stuck_clients"
    grep -q 'volume status' "$WORLD/gluster.log"
    fails grep -q 'volume set' "$WORLD/gluster.log"
    # Another node does it for all.
    clients_of_a_brick 2 100 50
    FIRST=pi4-1 with_parts stuck-clients "$PARTS; MKIMAGE_NODE=pi4-2; free_stuck_clients"
    fails grep -q 'volume set' "$WORLD/gluster.log"
}
