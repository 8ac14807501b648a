# Two nodes lose power while files are written through the mount: what was acknowledged is there afterwards.
written() {
    printf '%s/written-%s\n' "$LAB_SCRATCH" "$1"
}

# Writes for as long as it can, and says a file's name and checksum only after fsync of the file.
write_files() {
    in_node "$1" -t 600 python3 -uc '
import hashlib, os, sys
name, folder = sys.argv[1:]
os.makedirs(folder, exist_ok=True)
index = 0
while True:
    data = os.urandom(1 + (index * 7919) % 60000)
    path = f"{folder}/{name}-{index:05}"
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(file, data)
        os.fsync(file)
        os.close(file)
    except OSError as error:
        print(f"{name}: {path}: {error}", file=sys.stderr)
        index += 1
        continue
    print(hashlib.sha256(data).hexdigest() + "  " + os.path.basename(path))
    index += 1
' "$1" "$DRILL_FOLDER.written" >"$(written "$1")" 2>"$(written "$1").errors"
}

healthy_cluster
writers=("$MANAGER" pi4-3)
pids=()
for node in "${writers[@]}"; do
    write_files "$node" &
    pids+=("$!")
done
sleep 15
say "cut pi4-3 and pi3-1"
node_cut pi4-3 pi3-1
sleep 20
kill "${pids[@]}" 2>/dev/null || true
wait "${pids[@]}" 2>/dev/null || true
in_node "$MANAGER" pkill -x python3 || true
for node in "${writers[@]}"; do
    # The last line may be cut off; it was not acknowledged then.
    sed -i -n '/^[0-9a-f]\{64\}  [^ ]*-[0-9]\{5\}$/p' "$(written "$node")"
    say "$node had $(wc -l <"$(written "$node")") files acknowledged"
    (($(wc -l <"$(written "$node")") > 20)) || fail "too few to prove anything"
done
node_on pi4-3
node_on pi3-1
drill_ends_well
acknowledged_are_there() {
    local reader
    for reader in "${NODES[@]}"; do
        for node in "${writers[@]}"; do
            in_node "$reader" -t 300 sh -c "cd $DRILL_FOLDER.written && sha256sum --check --quiet --strict -" <"$(written "$node")" || return 1
        done
    done
}
check "every acknowledged file is there on every node" acknowledged_are_there
