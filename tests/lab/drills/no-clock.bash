# A first boot with the clock at 1970 and no network time, which then comes: on an emulated board, because a container has its host's clock.
command -v qemu-system-aarch64 >/dev/null || left_out "it needs an emulator (qemu-system-arm)"
command -v dnsmasq >/dev/null || left_out "it needs dnsmasq (dnsmasq-base)"
reference=$(find "$LAB_CACHE" -maxdepth 1 -name '*-reference-*.img.xz' | sort | tail -n 1)
[[ -n $reference ]] || left_out "it needs the reference image, which tests/boot/reference/build makes once"

# It has nothing to do with the cluster, and leaves the machine to the board.
# shellcheck disable=SC2034 # (run_drills reads it)
DRILL_KEEPS_TO_ITSELF=yes
everything_off
drill_begins
# Every name leads the board to this session, which tells the time when it is told to.
printf 'nameserver 127.0.0.1\n' >"$LAB_SCRATCH/resolv.conf"
mount --bind "$LAB_SCRATCH/resolv.conf" /etc/resolv.conf
dnsmasq --keep-in-foreground --user=root --pid-file= --no-resolv --no-hosts --address=/#/10.0.2.2 \
    --listen-address=127.0.0.1 --bind-interfaces >"$LAB_SCRATCH/names.log" 2>&1 &
names=$!
check "a board without a clock goes on, and takes the time when it is there" \
    env MKIMAGE="$MKLAB_MKIMAGE" TMPDIR="$LAB_SCRATCH" "$LAB_PROJECT/tests/boot/node" virt --base "$reference" --no-clock --deadline 2400
sed -n 's/^ok /    ok /p' "$LAB_SCRATCH/check.out" >&2
kill "$names"
umount /etc/resolv.conf
