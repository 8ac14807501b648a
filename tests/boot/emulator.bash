# shellcheck shell=bash disable=SC2154 # see "Set by the caller"
# Starts QEMU with the files of a card's boot partition, and ends it by its process id.
# Set by the caller: here, clock.

emulator_pid=

# Prints a free port on loopback.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# A Pi has no clock, so the emulated one starts at 1970.
# start_emulator MACHINE BOOT_FILES CARD STICK SSH_PORT LOGS
start_emulator() {
    local board=$1 boot=$2 card=$3 stick=$4 port=$5 logs=$6
    local machine machine_serial machine_console words
    # shellcheck source=/dev/null
    source "$here/machine/$board.bash"
    # restrict=on: the guest cannot reach the network; only the forwarded port reaches the guest. If this machine has no
    # network either, the guest may ask for the time.
    local restrict=on
    [[ $clock == no ]] || restrict=off
    machine_arguments "$boot" "$card" "$stick" \
        "user,id=lan,restrict=$restrict,hostfwd=tcp:127.0.0.1:$port-:22" "$logs"
    words=$(<"$boot/cmdline.txt")
    words=${words/console=serial0/console=$machine_serial}
    nice -n 5 qemu-system-aarch64 "${machine[@]}" \
        -rtc base=1970-01-01 -accel tcg,thread=multi -no-reboot -display none -monitor none \
        -kernel "$boot/kernel8.img" -initrd "$boot/initramfs8" \
        -append "$words $machine_console" \
        >"$logs/qemu.log" 2>&1 &
    emulator_pid=$!
}

emulator_runs() {
    [[ -n $emulator_pid ]] && kill -0 "$emulator_pid" 2>/dev/null
}

stop_emulator() {
    if emulator_runs; then
        kill "$emulator_pid" 2>/dev/null || true
        wait "$emulator_pid" 2>/dev/null || true
    fi
    emulator_pid=
}
