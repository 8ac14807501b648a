# Backups, made and read by a real restic. The volume is a folder with a mount on it.

# a_volume: pi4-1, the only manager, with files on its volume and a copy of the swarm's state.
a_volume() {
    mkdir -p "$WORLD/volume" "$WORLD/place" "$WORLD/var-lib/state/copy/swarm/raft" "$WORLD/others"
    mount -t tmpfs tmpfs "$WORLD/volume"
    mkdir -p "$WORLD/volume/services-config/web"
    echo 'services: {}' >"$WORLD/volume/services-config/web/docker-compose.yml"
    echo precious >"$WORLD/volume/file"
    echo raft >"$WORLD/var-lib/state/copy/swarm/raft/log"
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager MKIMAGE_MOUNT="$WORLD/volume"
    place "$WORLD/place"
    fake docker 'echo "$*" >>"$MKIMAGE_RUN/../docker.log"'
    # shellcheck disable=SC2016
    fake ssh 'for word; do case $word in mkimage@*) node=${word#mkimage@}; node=${node%.local} ;; esac; done
    cat "$MKIMAGE_RUN/../others/$node" 2>/dev/null || exit 255'
}

# place REPOSITORY [PASSWORD]
place() {
    printf "RESTIC_REPOSITORY='%s'\nRESTIC_PASSWORD='%s'\nBACKUP_KEEP='2'\n" "$1" "${2:-it is long}" >"$WORLD/etc/secrets/backup"
}

backup() {
    CODE=0
    SAID=$(dash "$MKIMAGE_LIB/backup" "$@" 2>&1) || CODE=$?
    RESULT=$(cat "$WORLD/run/backup" 2>/dev/null) || RESULT=
    printf '%s: %s %s\n' "$*" "$RESULT" "$SAID"
}

what_is_lost_comes_back() { # test, root
    a_volume
    backup night
    equal "$CODE $RESULT" '0 done'
    [[ -s $WORLD/var-lib/backup-last && ! -e $WORLD/var-lib/backup-trouble ]]
    echo changed >"$WORLD/volume/file"
    rm -r "$WORLD/volume/services-config"
    echo new >"$WORLD/volume/new"
    backup restore latest
    equal "$RESULT" 'done'
    equal "$(cat "$WORLD/volume/file" "$WORLD/volume/new" | paste -s -d ' ')" 'precious new'
    grep -q 'stack deploy.* web$' "$WORLD/docker.log"
    backup check
    equal "$RESULT" 'done'
    backup list
    contains "$SAID" "$WORLD/volume"
    # The swarm's state is in it, too.
    contains "$SAID" "state/copy/swarm"
}

a_backup_that_cannot_be_made_is_told() { # test, root
    a_volume
    backup now
    equal "$RESULT" 'done'
    # Somebody else's password.
    place "$WORLD/place" other
    backup night
    contains "$RESULT" 'failed: the place of the backups cannot be opened'
    stage backup
    equal "$CODE" 0
    contains "$WHY" 'cannot be opened'
    fails grep -rq 'other' "$WORLD/run/stages" "$WORLD/var-lib/backup-trouble"
    # A disk that is not mounted: nothing is made on the card in its place.
    rm -r "$WORLD/place"
    backup now
    contains "$RESULT" "there is no folder $WORLD/place"
    [[ ! -e $WORLD/place ]]
    # The volume is not mounted.
    mkdir "$WORLD/place"
    place "$WORLD/place"
    umount "$WORLD/volume"
    backup now
    contains "$RESULT" 'the volume is not mounted'
    mount -t tmpfs tmpfs "$WORLD/volume"
    backup now
    equal "$RESULT" 'done'
    stage backup
    equal "$WHY" ''
    date -d '5 days ago' +%s >"$WORLD/var-lib/backup-last"
    stage backup
    contains "$WHY" 'the last backup is of 20'
}

one_node_makes_the_backup() { # test, root
    a_volume
    in_turn() {
        CODE=0
        dash "$MKIMAGE_LIB/backup" turn || CODE=$?
    }
    # A folder is on one node.
    in_turn
    equal "$CODE" 0
    rm -r "$WORLD/place"
    in_turn
    equal "$CODE" 1
    # A place in the network: the first manager that answers.
    place rest:http://nas.invalid:8000/
    printf '%s\n' 'pi4-3 manager pi4-3.local yes 10.77.0.3 key3=' 'pi4-1 manager pi4-1.local yes 10.77.0.1 key1=' \
        'pi4-2 worker pi4-2.local yes 10.77.0.2 key2=' >"$WORLD/etc/nodes"
    in_turn
    equal "$CODE" 0
    printf '%s\n' "cluster $CLUSTER_ID" 'swarm active manager m 0123' >"$WORLD/others/pi4-3"
    in_turn
    equal "$CODE" 1
    backup night
    equal "$CODE" 0
    [[ ! -e $WORLD/var-lib/backup-last ]]
    settings MKIMAGE_NODE=pi4-2 MKIMAGE_ROLE=worker MKIMAGE_MOUNT="$WORLD/volume"
    rm "$WORLD/others/pi4-3"
    in_turn
    equal "$CODE" 1
    # Without a [backup], nothing happens and nothing is said.
    rm "$WORLD/etc/secrets/backup"
    backup night
    equal "$CODE$SAID" 0
    stage backup
    equal "$WHY" ''
}

the_place_of_the_backups_comes_over_ssh() { # test
    settings
    # shellcheck disable=SC2016
    fake systemctl 'echo "$*" >>"$MKIMAGE_RUN/../systemctl.log"'
    : >"$WORLD/systemctl.log"
    # Most nodes never hear of any, and are left alone.
    dash "$MKIMAGE_LIB/take-backup" </dev/null
    equal "$(grep -c restart "$WORLD/systemctl.log")" 0
    echo "RESTIC_PASSWORD='x'" | dash "$MKIMAGE_LIB/take-backup"
    equal "$(stat -c %a "$WORLD/etc/secrets/backup")" 600
    echo "RESTIC_PASSWORD='x'" | dash "$MKIMAGE_LIB/take-backup"
    equal "$(grep -c restart "$WORLD/systemctl.log")" 1
    echo "RESTIC_PASSWORD='y'" | dash "$MKIMAGE_LIB/take-backup"
    grep -qx "RESTIC_PASSWORD='y'" "$WORLD/etc/secrets/backup"
    dash "$MKIMAGE_LIB/take-backup" </dev/null
    [[ ! -e $WORLD/etc/secrets/backup ]]
}
