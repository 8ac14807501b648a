# overlays/systemd.run: the keyboard.

# keyboard NAME: prints the layout and the variant that the system gets.
keyboard() {
    local set_keyboard
    set_keyboard=$(sed -n '/^set_keyboard() {/,/^}/p' "$FIRSTBOOT/../overlays/systemd.run/mkimage/systemd-run")
    # In place of the system's file.
    MKIMAGE_KEYBOARD=$1 dash -c "write_file() { cat; }
$set_keyboard
set_keyboard" | grep -E '^XKB(LAYOUT|VARIANT)=' | tr '\n' ' '
}

a_variant_of_the_keyboard_is_split_from_its_layout() { # test
    equal "$(keyboard gb)" 'XKBLAYOUT="gb" XKBVARIANT="" '
    equal "$(keyboard 'us(intl)')" 'XKBLAYOUT="us" XKBVARIANT="intl" '
    equal "$(keyboard 'de(T3)')" 'XKBLAYOUT="de" XKBVARIANT="T3" '
    equal "$(keyboard 'ch(fr_nodeadkeys)')" 'XKBLAYOUT="ch" XKBVARIANT="fr_nodeadkeys" '
    equal "$(keyboard 'us(alt-intl)')" 'XKBLAYOUT="us" XKBVARIANT="alt-intl" '
    equal "$(keyboard 'gb"; reboot')" ''
}
