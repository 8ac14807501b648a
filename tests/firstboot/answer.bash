# The answers to other nodes. This one is pi4-1, the manager, unless a test says otherwise.

# answer CALLER WORDS...: the exit code in $CODE, what was said in $SAID.
answer() {
    CODE=0
    SAID=$(dash "$MKIMAGE_LIB/answer-as-root" "$1" "${*:2}" 2>&1) || CODE=$?
    printf 'answer to %s: %s (%s)\n' "$*" "$SAID" "$CODE"
}

a_manager() {
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager
    mkdir -p "$WORLD/swarm/certificates" "$WORLD/glusterd/vols/cluster-data" "$WORLD/glusterd/peers"
    echo ca >"$WORLD/swarm/certificates/swarm-root-ca.crt"
    printf 'volume-id=b1\nstatus=1\ncount=2\nreplica_count=2\n' >"$WORLD/glusterd/vols/cluster-data/info"
    # shellcheck disable=SC2016
    fake docker 'case "$*" in
        *LocalNodeState*NodeID*) echo "active true id1" ;;
        *LocalNodeState*) echo active ;;
        *ControlAvailable*) echo true ;;
        "swarm join-token -q worker") echo SWMTKN-1-worker ;;
        "swarm join-token -q manager") echo SWMTKN-1-manager ;;
        *) exit 1 ;;
    esac'
    # shellcheck disable=SC2016
    fake gluster 'echo "$*" >>"'"$WORLD"'/gluster.log"
    case "$*" in
        --version) echo "glusterfs 11.1" ;;
        *"pool list") printf "UUID Hostname State\nu1 localhost Connected\nu2 pi4-2 Connected\n" ;;
        *"volume info"*) printf "Brick1: pi4-1:/glusterfs/bricks/pi4-1/brick\nBrick2: pi4-2:/glusterfs/bricks/pi4-2/brick\n" ;;
    esac'
    fake ssh 'echo "cluster x"'
    with_parts notes 'note swarm-was ca'
}

one_brick() {
    sed -i 's/count=2/count=1/' "$WORLD/glusterd/vols/cluster-data/info"
}

changed_nothing() {
    fails grep -E 'add-brick|reset-brick|probe|detach|delete|create|set' "$WORLD/gluster.log" 2>/dev/null
}

nobody_gets_a_token_of_a_swarm_that_is_not_noted_yet() { # test
    a_manager
    find "$WORLD" -name swarm-was -delete
    answer pi4-2 join-token
    equal "$CODE" 10
    fails contains "$SAID" SWMTKN
}

a_worker_never_gets_the_managers_token() { # test
    a_manager
    answer pi4-2 join-token
    equal "$SAID" 'token SWMTKN-1-worker'
    answer pi4-2 join-token manager
    equal "$SAID" 'token SWMTKN-1-worker'
    answer pi4-2 'join-token role=manager'
    equal "$CODE" 11
}

nothing_else_can_be_asked() { # test
    local words
    a_manager
    for words in '' sh 'sh -c id' 'state; id' 'state|id' '$(id)' '`id`' $'state\nid' 'STATE' '../../bin/sh' \
        'docker info' 'recover new-swarm' "$(printf '%0300d' 0)" 'state>x' 'state&' '*'; do
        answer pi4-2 "$words"
        equal "$CODE" 11
    done
    changed_nothing
}

a_stranger_is_told_nothing() { # test
    a_manager
    for name in pi9-9 '' 'pi4-2 ' '../pi4-2' '-'; do
        answer "$name" state
        equal "$CODE" 11
        fails grep -q "$CLUSTER_ID" <<<"$SAID"
    done
}

no_token_ever_reaches_the_log() { # test
    a_manager
    answer pi4-2 join-token
    fails grep -q SWMTKN "$WORLD/run/log"
}

refused_questions_do_not_fill_the_log() { # test
    local i
    a_manager
    for i in 1 2 3 4 5; do
        answer pi4-2 'rm -rf'
        answer pi4-3 'rm -rf'
        answer ../pi4-2 state
        answer pi9-9 state
        answer pi4-2 join-token
    done
    equal "$(sed 's/^[^:]*:[^:]*:[^:]*: //' "$WORLD/run/log" | sort | tr '\n' ';')" \
        'gave pi4-2 the token of a worker;refused ../pi4-2: this cluster has no node of that name;refused pi4-2: nothing that a node may ask;refused pi4-3: nothing that a node may ask;'
    # A minute later.
    touch -d '-2 minutes' "$WORLD"/run/said-*
    answer pi4-2 'rm -rf'
    equal "$(grep -c 'refused pi4-2' "$WORLD/run/log")" 2
}

a_worker_gives_no_token() { # test
    a_manager
    settings
    # shellcheck disable=SC2016
    fake docker 'case "$*" in *LocalNodeState*) echo active ;; *ControlAvailable*) echo false ;; *) exit 1 ;; esac'
    answer pi4-3 join-token
    equal "$CODE" 11
}

releases_are_never_mixed_in_one_pool() { # test
    a_manager
    answer pi4-3 probe 10
    equal "$CODE" 11
    contains "$SAID" 'same release'
    changed_nothing
}

a_node_without_a_brick_cannot_add_one() { # test
    a_manager
    answer pi3-1 add-brick fresh
    equal "$CODE" 11
    changed_nothing
}

only_the_first_member_changes_the_pool() { # test
    a_manager
    settings
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in
        --version) echo "glusterfs 11.1" ;;
        *"pool list") printf "UUID Hostname State\nu1 pi4-1 Connected\nu2 localhost Connected\n" ;;
        *) echo "$*" >>"'"$WORLD"'/gluster.log" ;;
    esac'
    answer pi4-3 probe 11
    equal "$CODE" 12
    equal "$SAID" 'elsewhere pi4-1'
    changed_nothing
}

without_a_majority_the_pool_is_left_as_it_is() { # test
    a_manager
    one_brick
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in
        --version) echo "glusterfs 11.1" ;;
        *"pool list") printf "UUID Hostname State\nu1 localhost Connected\nu2 pi4-2 Disconnected\n" ;;
        *"volume info"*) printf "Brick1: pi4-1:/glusterfs/bricks/pi4-1/brick\n" ;;
        *) echo "$*" >>"'"$WORLD"'/gluster.log" ;;
    esac'
    answer pi4-3 add-brick fresh
    equal "$CODE" 10
    answer pi4-3 probe 11
    equal "$CODE" 10
    changed_nothing
}

a_caller_that_is_not_in_the_private_network_is_not_taken_in() { # test
    a_manager
    fake ping 'exit 1'
    answer pi4-3 probe 11
    equal "$CODE" 10
    contains "$SAID" 'does not reach pi4-3'
    changed_nothing
}

the_third_brick_makes_a_replica_of_three() { # test
    a_manager
    answer pi4-3 add-brick fresh
    equal "$CODE" 0
    grep -q 'volume add-brick cluster-data replica 3 pi4-3:/glusterfs/bricks/pi4-3/brick' "$WORLD/gluster.log"
    grep -q 'volume heal cluster-data full' "$WORLD/gluster.log"
}

# Since a change failed elsewhere, its answer differs from what it has stored: nobody knows which of the two the others know.
a_glusterd_that_runs_without_its_store_changes_nothing() { # test
    local words
    a_manager
    one_brick
    for words in 'add-brick fresh' 'add-brick kept'; do
        answer pi4-2 "$words"
        equal "$CODE" 10
        contains "$SAID" 'differently from what it has stored'
    done
    changed_nothing
}

an_arbiter_comes_last() { # test
    a_manager
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager MKIMAGE_ARBITER=pi4-3
    answer pi4-3 add-brick fresh
    equal "$CODE" 0
    grep -q 'add-brick cluster-data replica 3 arbiter 1 pi4-3:' "$WORLD/gluster.log"
}

a_fresh_stick_takes_the_old_ones_place() { # test
    a_manager
    answer pi4-2 add-brick fresh
    equal "$CODE" 0
    brick=pi4-2:/glusterfs/bricks/pi4-2/brick
    equal "$(grep reset-brick "$WORLD/gluster.log" | sed 's/^--mode=script //' | tr '\n' ';')" \
        "volume reset-brick cluster-data $brick start;volume reset-brick cluster-data $brick $brick commit force;"
}

a_kept_brick_is_started_and_never_reset() { # test
    a_manager
    answer pi4-2 add-brick kept
    equal "$CODE" 0
    grep -q 'volume start cluster-data force' "$WORLD/gluster.log"
    fails grep -q reset-brick "$WORLD/gluster.log"
}

two_nodes_at_once_are_taken_one_after_the_other() { # test
    a_manager
    one_brick
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in
        --version) echo "glusterfs 11.1" ;;
        *"pool list") printf "UUID Hostname State\nu1 localhost Connected\nu2 pi4-2 Connected\n" ;;
        *"volume info"*) printf "Brick1: pi4-1:/glusterfs/bricks/pi4-1/brick\n" ;;
        *"add-brick"*) mkdir "'"$WORLD"'/busy" || echo overlap >>"'"$WORLD"'/overlap"; sleep 0.5; rmdir "'"$WORLD"'/busy" ;;
    esac'
    dash "$MKIMAGE_LIB/answer-as-root" pi4-2 'add-brick fresh' &
    dash "$MKIMAGE_LIB/answer-as-root" pi4-3 'add-brick fresh' &
    wait
    [[ ! -e $WORLD/overlap ]]
}

# four_bricks MEMBER...: this node, the first, is asked by pi4-2 for its fresh brick while those members are connected.
asks_with_connected() {
    local member
    printf '%s\n' 'pi4-1 manager pi4-1.local yes 10.77.0.1 key1=' 'pi4-2 worker pi4-2.local yes 10.77.0.2 key2=' 'pi4-3 worker pi4-3.local yes 10.77.0.3 key3=' 'pi4-4 worker pi4-4.local yes 10.77.0.4 key4=' \
        >"$WORLD/etc/nodes"
    {
        echo 'UUID Hostname State'
        for member in pi4-1 pi4-2 pi4-3 pi4-4; do
            if [[ $member == "$ASKED" ]]; then
                echo "u localhost Connected"
            elif [[ " $* " == *" $member "* ]]; then
                echo "u $member Connected"
            else
                echo "u $member Disconnected"
            fi
        done
    } >"$WORLD/pool-list"
    # shellcheck disable=SC2016
    fake gluster 'echo "$*" >>"'"$WORLD"'/gluster.log"
    case "$*" in
        --version) echo "glusterfs 11.1" ;;
        *"pool list") cat "'"$WORLD"'/pool-list" ;;
        *"volume info"*) printf "Brick1: pi4-1:/b\nBrick2: pi4-4:/b\n" ;;
    esac'
    answer pi4-2 add-brick fresh
}

no_brick_is_added_while_others_can_write() { # test
    a_manager
    settings MKIMAGE_NODE=pi4-3 MKIMAGE_ROLE=worker MKIMAGE_REPLICA=4
    ASKED=pi4-3
    # Three of four are connected, but the one that is not has the first of two bricks.
    asks_with_connected pi4-2 pi4-4
    equal "$CODE" 12
    settings MKIMAGE_NODE=pi4-2 MKIMAGE_ROLE=worker MKIMAGE_REPLICA=4
    ASKED=pi4-2
    asks_with_connected pi4-3 pi4-4
    equal "$CODE" 10
    contains "$SAID" 'can write'
    changed_nothing
    # Without the second one alone nothing is written.
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager MKIMAGE_REPLICA=4
    ASKED=pi4-1
    asks_with_connected pi4-2 pi4-3
    equal "$CODE" 0
    grep -q 'add-brick cluster-data replica 3' "$WORLD/gluster.log"
}

a_manager_tells_who_is_in_its_swarm() { # test
    a_manager
    # shellcheck disable=SC2016
    fake docker 'case "$*" in
        info*ServerVersion*) echo 26 ;;
        *LocalNodeState*NodeID*) echo "active true id1" ;;
        "node ls -q") [ ! -e "'"$WORLD"'/no-leader" ] && printf "id1\nid2\n" ;;
    esac'
    answer pi4-2 state
    grep -qx 'swarm-members id1 id2' <<<"$SAID"
    : >"$WORLD/no-leader"
    answer pi4-2 state
    fails grep -q swarm-members <<<"$SAID"
}

# The forms in which answers are taken are those in which they are given.
what_a_node_says_is_heard_by_the_others() { # test
    local line key said
    a_manager
    printf 'info=3049273466\n' >"$WORLD/glusterd/vols/cluster-data/cksum"
    echo version=7 >>"$WORLD/glusterd/vols/cluster-data/info"
    mkdir -p "$WORLD/var-lib"
    printf '0123\n4567\n' >"$WORLD/var-lib/swarm-replaces"
    # shellcheck disable=SC2016
    fake docker 'case "$*" in
        info*ServerVersion*) echo 26 ;;
        *LocalNodeState*NodeID*) echo "active true k1d2" ;;
        *LocalNodeState*) echo active ;;
        *ControlAvailable*) echo true ;;
        *NodeAddr*) echo 192.168.1.31 ;;
        "swarm join-token -q worker") echo SWMTKN-1-4qk2x-8fz ;;
        "node ls -q") printf "k1d2\nid2\n" ;;
    esac'
    with_parts notes 'note swarm-was ca'
    for said in state join-token; do
        answer pi4-2 "$said"
        printf '%s\n' "$SAID" >>"$WORLD/said"
    done
    for key in cluster swarm swarm-members replaces pool volume volume-state token; do
        line=$(grep "^$key " "$WORLD/said")
        equal "$(with_parts heard "heard $key" <"$WORLD/said")" "${line#"$key "}"
    done
}
