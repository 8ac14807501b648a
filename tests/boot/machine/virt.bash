# shellcheck shell=bash disable=SC2034,SC2054 # emulator.bash uses what is set here; the commas are QEMU's
# QEMU's generic board: virtio for card and network, a real xHCI controller for the stick.

# Arguments as in raspi3b.bash.
machine_arguments() {
    local card=$2 stick=$3 netdev=$4 logs=$5
    machine=(
        -M virt -cpu cortex-a72 -smp 2 -m 2048
        -drive "if=none,id=card,file=$card,format=raw,cache=unsafe"
        -device virtio-blk-pci,drive=card
        -device qemu-xhci
        -drive "if=none,id=stick,file=$stick,format=raw,cache=unsafe"
        -device usb-storage,drive=stick,removable=on
        -netdev "$netdev"
        -device virtio-net-pci,netdev=lan,romfile=
        -serial "file:$logs/console.log"
    )
    machine_serial=ttyAMA0
    machine_console=console=ttyAMA0,115200
}
