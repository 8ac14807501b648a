# The volume is full: errors, not corruption; with space freed it is healthy.
healthy_cluster
is_full() {
    in_node "$MANAGER" -t 300 sh -c "! dd if=/dev/zero of=$DRILL_FOLDER.filler bs=1M count=$STICK_MIB oflag=append conv=notrunc,fsync"
}
check "a write to the full volume fails" is_full
check "all files are right while it is full" files_are_right
drill_begins
check "space can be freed" in_node "$MANAGER" rm "$DRILL_FOLDER.filler"
drill_ends_well
