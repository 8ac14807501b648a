# The place where the node's state lives, and the choice between its copies. Folders play stick and card.

# remembered NAME: what glusterd's folder says.
remembered() {
    cat "$WORLD/glusterd/glusterd.info" 2>/dev/null || echo nothing
}

on_stick() {
    with_parts state state_to_stick
}

on_card() {
    with_parts state state_to_card
}

off() {
    umount "$WORLD/glusterd/hooks" "$WORLD/glusterd" "$WORLD/swarm" 2>/dev/null || true
    rm -f "$WORLD/run/state-place"
}

new_card() {
    off
    rm -rf "$WORLD/var-lib" "$WORLD/glusterd" "$WORLD/swarm"
    mkdir -p "$WORLD/var-lib" "$WORLD/glusterd" "$WORLD/swarm"
}

new_stick() {
    off
    rm -rf "$WORLD/brick"
    mkdir "$WORLD/brick"
}

# The hourly copy, without a file system that could be frozen.
copied() {
    # shellcheck disable=SC2016
    with_parts state 'copy_state "$STICK_STATE/glusterd" "$STICK_STATE/swarm" "$CARD_STATE/copy.new"
        commit_state "$CARD_STATE/copy" "$(read_epoch "$STICK_STATE")"'
}

what_was_on_the_card_moves_to_a_new_stick() { # test, root
    echo mine >"$WORLD/glusterd/glusterd.info"
    echo raft >"$WORLD/swarm/state.json"
    on_stick
    equal "$(remembered)" mine
    equal "$(cat "$WORLD/brick/state/swarm/state.json")" raft
}

no_link_is_followed() {
    off
    echo mine >"$WORLD/glusterd/glusterd.info"
    on_stick
    equal "$(remembered)" mine
    equal "$(cat "$WORLD/elsewhere/hooks/file")" precious
    off
}

links_on_a_stick_lead_nowhere() { # test, root
    local place
    mkdir -p "$WORLD/elsewhere/hooks"
    echo precious >"$WORLD/elsewhere/hooks/file"
    for place in state state/glusterd state/swarm; do
        new_stick
        mkdir -p "$WORLD/brick/state/glusterd" "$WORLD/brick/state/swarm"
        echo 9 >"$WORLD/brick/state/epoch"
        rm -rf "$WORLD/brick/$place"
        ln -s "$WORLD/elsewhere" "$WORLD/brick/$place"
        no_link_is_followed
    done
    # A cut may have left the state under another name.
    for place in state.new state.old; do
        new_stick
        mkdir -p "$WORLD/brick/$place/swarm"
        echo 9 >"$WORLD/brick/$place/epoch"
        ln -s "$WORLD/elsewhere" "$WORLD/brick/$place/glusterd"
        no_link_is_followed
    done
    ln -s "$WORLD/elsewhere/hooks/file" "$WORLD/brick/note.mkimage~"
    # shellcheck disable=SC2016
    with_parts file 'echo new | write_file "$BRICK_MOUNT/note"'
    equal "$(cat "$WORLD/elsewhere/hooks/file")" precious
}

an_old_stick_in_a_new_card_is_the_same_node() { # test, root
    echo mine >"$WORLD/glusterd/glusterd.info"
    on_stick
    new_card
    echo stranger >"$WORLD/glusterd/glusterd.info"
    on_stick
    equal "$(remembered)" mine
}

a_late_stick_wins_over_a_card_that_had_begun_without_it() { # test, root
    echo mine >"$WORLD/glusterd/glusterd.info"
    on_stick
    new_card
    on_card
    echo stranger >"$WORLD/glusterd/glusterd.info"
    off
    on_stick
    equal "$(remembered)" mine
}

a_dead_stick_is_replaced_from_the_cards_copy() { # test, root
    echo mine >"$WORLD/glusterd/glusterd.info"
    on_stick
    copied
    new_stick
    rm -rf "$WORLD/glusterd" "$WORLD/swarm"
    mkdir "$WORLD/glusterd" "$WORLD/swarm"
    on_card
    equal "$(remembered)" mine
    off
    on_stick
    equal "$(remembered)" mine
    equal "$(findmnt -n -o TARGET --target "$WORLD/glusterd")" "$WORLD/glusterd"
}

# the_card_goes_on: the stick is pulled out, and something changes while the state lives on the card.
the_card_goes_on() {
    echo before >"$WORLD/glusterd/glusterd.info"
    on_stick
    copied
    off
    on_card
    echo after >"$WORLD/glusterd/glusterd.info"
    off
}

a_stick_that_was_away_does_not_turn_back_time() { # test, root
    the_card_goes_on
    on_stick
    equal "$(remembered)" after
    off
    on_stick
    equal "$(remembered)" after
}

a_reboot_without_the_stick_keeps_what_the_card_went_on_with() { # test, root
    the_card_goes_on
    on_card
    equal "$(remembered)" after
}

a_cut_between_any_two_renames_loses_nothing() { # test, root
    local state
    echo mine >"$WORLD/glusterd/glusterd.info"
    on_stick
    copied
    off
    for state in half-new whole-new gap; do
        rm -rf "$WORLD/saved"
        cp -a "$WORLD/var-lib/state" "$WORLD/saved"
        case $state in
            half-new) cp -a "$WORLD/var-lib/state/copy" "$WORLD/var-lib/state/copy.new" && rm "$WORLD/var-lib/state/copy.new/epoch" ;;
            whole-new) cp -a "$WORLD/var-lib/state/copy" "$WORLD/var-lib/state/copy.new" ;;
            gap)
                cp -a "$WORLD/var-lib/state/copy" "$WORLD/var-lib/state/copy.new"
                mv "$WORLD/var-lib/state/copy" "$WORLD/var-lib/state/copy.old"
                ;;
        esac
        rm -rf "$WORLD/glusterd" "$WORLD/swarm"
        mkdir "$WORLD/glusterd" "$WORLD/swarm"
        on_card
        equal "$(remembered)" mine
        rm -rf "$WORLD/var-lib/state" "$WORLD/run/state-place"
        cp -a "$WORLD/saved" "$WORLD/var-lib/state"
    done
}

a_cut_while_restoring_starts_over_from_the_copy() { # test, root
    echo mine >"$WORLD/glusterd/glusterd.info"
    on_stick
    copied
    off
    on_card
    # Cut before the epoch was written: what lies there is not to be trusted.
    rm "$WORLD/var-lib/state/plain/epoch"
    echo half >"$WORLD/glusterd/glusterd.info"
    off
    on_card
    equal "$(remembered)" mine
}

that_a_swarm_was_is_remembered_wherever_it_was_noted() { # test, root
    on_stick
    with_parts notes 'note swarm-was ca1'
    off
    new_card
    on_stick
    equal "$(with_parts notes swarm_was)" ca1
    # shellcheck disable=SC2016
    with_parts state 'copy_state "$STICK_STATE/glusterd" "$STICK_STATE/swarm" "$CARD_STATE/copy.new"
        cp "$STICK_STATE/swarm-was" "$CARD_STATE/copy.new/"; commit_state "$CARD_STATE/copy" 1'
    new_stick
    on_card
    equal "$(with_parts notes swarm_was)" ca1
    off
    on_stick
    equal "$(with_parts notes swarm_was)" ca1
}

# glusterd runs hooks as root.
a_hook_never_comes_from_the_stick() { # test, root
    local hook=hooks/1/start/post/S1.sh
    mkdir -p "$WORLD/glusterd/hooks/1/start/post" "$WORLD/elsewhere"
    echo ours >"$WORLD/glusterd/$hook"
    on_stick
    equal "$(cat "$WORLD/glusterd/$hook")" ours
    # On the way somebody has put one there, a link even.
    off
    mkdir -p "$WORLD/brick/state/glusterd/hooks/1/start/post"
    echo evil >"$WORLD/brick/state/glusterd/$hook"
    on_stick
    equal "$(cat "$WORLD/glusterd/$hook")" ours
    off
    rm -rf "$WORLD/brick/state/glusterd/hooks"
    ln -s "$WORLD/elsewhere" "$WORLD/brick/state/glusterd/hooks"
    on_stick
    equal "$(cat "$WORLD/glusterd/$hook")" ours
    [[ -z $(ls "$WORLD/elsewhere") ]]
    # A package writes to the card, where it stays when the stick is gone.
    echo newer >"$WORLD/glusterd/$hook"
    echo evil >"$WORLD/brick/state/glusterd/hooks/S2.sh"
    copied
    [[ ! -e $WORLD/var-lib/state/copy/glusterd/hooks ]]
    new_stick
    on_card
    equal "$(cd "$WORLD/glusterd/hooks" && find . -type f)" ./1/start/post/S1.sh
    equal "$(cat "$WORLD/glusterd/$hook")" newer
    on_stick
    equal "$(cat "$WORLD/glusterd/$hook")" newer
}

a_note_about_an_empty_write_ahead_file_is_not_copied() { # test, root
    truncate -s 64M "$WORLD/swarm/0.tmp"
    echo kept >"$WORLD/swarm/1.wal"
    on_stick
    [[ ! -e $WORLD/brick/state/swarm/0.tmp ]]
    equal "$(cat "$WORLD/brick/state/swarm/1.wal")" kept
}

# A manager whose copy on the card holds a raft log; its stick is dead.
a_copied_manager() {
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager
    mkdir -p "$WORLD/swarm/raft"
    echo log >"$WORLD/swarm/raft/1.wal"
    on_stick
    with_parts notes 'note swarm-was ca1'
    copied
    cp "$WORLD/brick/state/swarm-was" "$WORLD/var-lib/state/copy/"
    new_stick
    rm -rf "$WORLD/glusterd" "$WORLD/swarm"
    mkdir "$WORLD/glusterd" "$WORLD/swarm"
}

a_manager_of_several_never_goes_on_from_a_copy() { # test, root
    printf '%s\n' 'pi4-1 manager pi4-1.local yes 10.77.0.1 key1=' 'pi4-2 manager pi4-2.local yes 10.77.0.2 key2=' 'pi4-3 manager pi4-3.local yes 10.77.0.3 key3=' >"$WORLD/etc/nodes"
    a_copied_manager
    on_stick
    [[ -d $WORLD/brick/state/swarm && -z $(ls "$WORLD/swarm") ]]
    equal "$(with_parts notes swarm_was)" ca1
    off
    new_stick
    rm -rf "$WORLD/var-lib/state/plain"
    echo stale >"$WORLD/swarm/stale"
    on_card
    [[ -z $(ls "$WORLD/swarm") ]]
    equal "$(with_parts notes swarm_was)" ca1
}

the_only_manager_goes_on_from_its_copy() { # test, root
    a_copied_manager
    on_stick
    equal "$(cat "$WORLD/swarm/raft/1.wal")" log
}

half_a_copy_never_replaces_a_whole_one() { # test, root
    echo mine >"$WORLD/glusterd/glusterd.info"
    on_stick
    copied
    fake cp 'exit 1'
    # As the hourly copy asks it, which switches set -e off inside.
    # shellcheck disable=SC2016
    fails with_parts state 'copy_state "$STICK_STATE/glusterd" "$STICK_STATE/swarm" "$CARD_STATE/copy.new" || exit 3'
    equal "$(cat "$WORLD/var-lib/state/copy/glusterd/glusterd.info")" mine
}

a_card_that_takes_nothing_never_wins_over_the_stick() { # test, root
    echo mine >"$WORLD/glusterd/glusterd.info"
    on_stick
    copied
    off
    fake cp 'exit 1'
    fails with_parts state 'state_to_card || exit 3'
    [[ ! -e $WORLD/var-lib/state/plain/epoch ]]
    [[ ! -e $WORLD/run/state-place ]]
    rm "$WORLD/bin/cp"
    on_stick
    equal "$(remembered)" mine
}

a_node_whose_state_moves_waits_for_the_others_anew() { # test, root
    on_stick
    echo 1 >"$WORLD/run/started"
    on_stick
    equal "$(cat "$WORLD/run/started")" 1
    on_card
    [[ ! -e $WORLD/run/started ]]
}
