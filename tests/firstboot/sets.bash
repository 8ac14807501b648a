# Volumes with more sticks than copies. This node is pi4-1, the first member, and all others are connected unless a test says otherwise.

# six_sticks COUNT: pi4-1 to pi4-6 have sticks, of which the first COUNT are bricks of the volume; the others are spares.
six_sticks() {
    local at
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager MKIMAGE_REPLICA=3 MKIMAGE_ARBITER="${ARBITERS-}"
    mkdir -p "$WORLD/glusterd/vols/cluster-data" "$WORLD/glusterd/peers" "$WORLD/others"
    for at in 1 2 3 4 5 6; do
        echo "pi4-$at worker pi4-$at.local yes 10.77.0.$at key$at="
        echo "brick pi4-$at"
        printf '%s\n' "cluster $CLUSTER_ID" 'brick mounted 0-1' "$SAME_DESCRIPTION" >"$WORLD/others/pi4-$at"
        ((at <= $1)) || echo 'spare yes' >>"$WORLD/others/pi4-$at"
    done | tee >(grep '^brick' | head -n "$1" | cut -d ' ' -f 2 >"$WORLD/bricks") | grep -v '^brick' >"$WORLD/etc/nodes"
    sleep 0.1
    printf 'volume-id=b1\nstatus=1\ncount=%s\nreplica_count=%s\n' "$1" "$(($1 < 3 ? $1 : 3))" >"$WORLD/glusterd/vols/cluster-data/info"
    cut -d . -f 1 /proc/uptime >"$WORLD/run/started"
    # shellcheck disable=SC2016
    fake gluster 'world=$MKIMAGE_RUN/..
    echo "$*" >>"$world/gluster.log"
    case "$*" in
        --version) echo "glusterfs 11.1" ;;
        *"pool list") echo "UUID Hostname State"; echo "u1 localhost Connected"
            for at in 2 3 4 5 6; do
                [ ! -e "$world/off/pi4-$at" ] && echo "u$at pi4-$at Connected" || echo "u$at pi4-$at Disconnected"
            done ;;
        *"volume info"*) while read -r node; do echo "Brick1: $node:/glusterfs/bricks/$node/brick"; done <"$world/bricks" ;;
    esac'
    # shellcheck disable=SC2016
    fake ssh 'for word; do case $word in mkimage@*) node=${word#mkimage@}; node=${node%.local} ;; esac; done
    [ ! -e "$MKIMAGE_RUN/../off/$node" ] || exit 255
    cat "$MKIMAGE_RUN/../others/$node"'
    fake sleep 'exit 0'
    stub brick 'brick_is_mounted() { :; }; brick_device() { :; }'
}

# offers NODE: what it hears.
offers() {
    CODE=0
    SAID=$(dash "$MKIMAGE_LIB/answer-as-root" "$1" 'add-brick fresh' 2>&1) || CODE=$?
    printf '%s hears: %s (%s)\n' "$1" "$SAID" "$CODE"
}

# added NODE...: those were added in one command.
added() {
    local node bricks=
    for node; do
        bricks+=" $node:/glusterfs/bricks/$node/brick"
    done
    grep -qx -- "--mode=script volume add-brick cluster-data replica $COPIES$bricks" "$WORLD/gluster.log"
}

nothing_added() {
    fails grep -q 'add-brick' "$WORLD/gluster.log"
}

the_first_set_is_filled_in_the_files_order() { # test
    six_sticks 1
    offers pi4-4
    equal "$SAID" 'spare: other sticks come first'
    nothing_added
    offers pi4-3
    COPIES=2 added pi4-3
    # One that does not come is not waited for for ever.
    six_sticks 2
    mkdir "$WORLD/off"
    : >"$WORLD/off/pi4-3"
    sed -i '/^spare/d' "$WORLD/others/pi4-3"
    rm "$WORLD/gluster.log"
    offers pi4-4
    nothing_added
    export MKIMAGE_OTHERS_WAIT=0
    offers pi4-4
    COPIES=3 added pi4-4
}

the_next_set_begins_when_its_last_stick_is_there() { # test
    six_sticks 3
    sed -i '/^spare/d' "$WORLD/others/pi4-5"
    offers pi4-6
    equal "$SAID" 'spare: a set begins when the stick of pi4-5 is there'
    nothing_added
    offers pi4-5
    equal "$CODE" 0
    COPIES=3 added pi4-4 pi4-5 pi4-6
    # Noted before, and for every node: the power may fail at any moment.
    equal "$(grep -oE 'volume set .*|volume add-brick|volume rebalance .*' "$WORLD/gluster.log" | head -n 2 | paste -s -d ';')" \
        'volume set cluster-data user.mkimage-rebalance wanted;volume add-brick'
    grep -q 'volume heal cluster-data full' "$WORLD/gluster.log"
}

sticks_that_make_no_set_are_spares() { # test
    six_sticks 3
    sed -i '/^pi4-6/d' "$WORLD/etc/nodes"
    offers pi4-5
    equal "$SAID" 'spare: a set of 3 sticks lacks 1'
    nothing_added
}

files_are_spread_over_the_sets() { # test
    six_sticks 6
    sed -i 's/^count=.*/count=6/' "$WORLD/glusterd/vols/cluster-data/info"
    with_parts gluster begin_rebalance
    equal "$(grep -oE 'volume (rebalance .*|[a-z]* cluster-data user.*)' "$WORLD/gluster.log" | paste -s -d ';')" \
        'volume rebalance cluster-data start;volume set cluster-data user.mkimage-rebalance begun'
}

a_set_has_its_own_arbiter() { # test
    ARBITERS='pi4-2 pi4-5'
    six_sticks 2
    printf 'pi4-1\npi4-3\n' >"$WORLD/bricks"
    offers pi4-5
    COPIES='3 arbiter 1' added pi4-5
    six_sticks 3
    printf 'pi4-1\npi4-3\npi4-2\n' >"$WORLD/bricks"
    offers pi4-4
    COPIES='3 arbiter 1' added pi4-4 pi4-6 pi4-5
}

a_spare_stick_takes_the_place_of_one_that_leaves() { # test
    six_sticks 3
    echo pi4-3 >"$WORLD/etc/leaving"
    # shellcheck disable=SC2016
    with_parts membership 'take_bricks_out $(bricks_to_take_out)'
    grep -q 'volume replace-brick cluster-data pi4-3:/glusterfs/bricks/pi4-3/brick pi4-4:/glusterfs/bricks/pi4-4/brick commit force' \
        "$WORLD/gluster.log"
}

no_brick_leaves_its_set_without_a_spare_stick() { # test
    local CODE=0
    six_sticks 6
    echo pi4-3 >"$WORLD/etc/leaving"
    # shellcheck disable=SC2016
    with_parts membership 'take_bricks_out $(bricks_to_take_out)' || CODE=$?
    equal "$CODE" 11
    fails grep -qE 'replace-brick|remove-brick' "$WORLD/gluster.log"
}

an_arbiters_place_is_filled_by_an_arbiter() { # test
    local CODE=0
    ARBITERS='pi4-3 pi4-5'
    six_sticks 3
    echo arbiter_count=1 >>"$WORLD/glusterd/vols/cluster-data/info"
    equal "$(takes_place_of pi4-2)" pi4-4
    equal "$(takes_place_of pi4-3)" pi4-5
    # A description in which it leaves does not name it any more.
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager MKIMAGE_REPLICA=3 MKIMAGE_ARBITER=''
    equal "$(takes_place_of pi4-3)" ''
    grep -q 'remove-brick cluster-data replica 2 pi4-3' "$WORLD/gluster.log"
    # Gluster does not take a brick with data from an arbiter.
    sed -i '/^spare/d' "$WORLD/others"/*
    : >"$WORLD/gluster.log"
    takes_place_of pi4-2 || CODE=$?
    equal "$CODE" 11
    fails grep -q 'remove-brick' "$WORLD/gluster.log"
}

the_volumes_own_sets_are_told() { # test
    six_sticks 6
    # The description has one already in which a node leaves.
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_REPLICA=2
    with_parts volume-mount volume_status
    equal "$(jq -c '[.copies, .arbiter]' "$WORLD/run/parts/volume")" '[3,false]'
    echo arbiter_count=1 >>"$WORLD/glusterd/vols/cluster-data/info"
    with_parts volume-mount volume_status
    equal "$(jq -c .arbiter "$WORLD/run/parts/volume")" true
}

# takes_place_of NODE: prints the node whose stick takes the place of that one's, which leaves.
takes_place_of() {
    : >"$WORLD/gluster.log"
    echo "$1" >"$WORLD/etc/leaving"
    # shellcheck disable=SC2016
    with_parts membership 'take_bricks_out $(bricks_to_take_out)' >/dev/null || return
    sed -n 's/.*replace-brick .* \(pi4-.\):.*/\1/p' "$WORLD/gluster.log"
}

each_set_must_be_safe_to_change() { # test
    local ok='stays yes yes no' off='stays no no no'
    may() {
        printf '%s\n' "$@" | with_parts membership 'may_change 3'
    }
    may "$ok" "$ok" "$off" "$off" "$ok" "$ok"
    fails may "$ok" "$ok" "$ok" "$off" "$off" "$ok"
    fails may "$ok" "$ok" "$ok" "$ok" "$ok"
}

the_owner_is_told_how_many_bricks_the_whole_volume_has() { # test
    six_sticks 3
    equal "$(with_parts nodes complete_bricks)" 6
    sed -i '/^pi4-6/d' "$WORLD/etc/nodes"
    equal "$(with_parts nodes complete_bricks)" 3
    settings MKIMAGE_REPLICA=5
    equal "$(with_parts nodes complete_bricks)" 5
    settings MKIMAGE_REPLICA=3 MKIMAGE_ARBITER='pi4-2'
    equal "$(with_parts nodes complete_bricks)" 3
}
