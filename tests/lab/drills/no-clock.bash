# A first boot with the clock at 1970. Not possible here: containers have their host's clock. The emulated boards start at 1970.
left_out "a container shares its host's clock, which must not be set to 1970; tests/boot/virt and tests/boot/pi3 start there"
