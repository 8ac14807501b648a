# shellcheck shell=bash disable=SC2034,SC2054 # emulator.bash uses what is set here; the commas are QEMU's
# QEMU's Raspberry Pi 3. It does not run the Pi's firmware, so kernel, initramfs, device tree and command line are passed
# from the files of the boot partition, as the firmware would do.

# Arguments: the folder with the boot partition's files, card, stick, the -netdev value, the folder for the logs.
machine_arguments() {
    local boot=$1 card=$2 stick=$3 netdev=$4 logs=$5
    machine=(
        -M raspi3b
        -dtb "$boot/bcm2837-rpi-3-b.dtb"
        -drive "if=sd,file=$card,format=raw,cache=unsafe"
        -drive "if=none,id=stick,file=$stick,format=raw,cache=unsafe"
        -device usb-storage,drive=stick,removable=on
        -netdev "$netdev"
        -device usb-net,netdev=lan
        -serial "file:$logs/console.log"
        -serial "file:$logs/mini-uart.log"
    )
    # On a real board, the firmware replaces serial0 with the name of the UART at the header.
    machine_serial=ttyAMA0
    machine_console='console=ttyS1,115200 console=ttyAMA0,115200'
    # The SD controller refuses a card whose size is not a power of two.
    truncate -s 4G "$card"
}
