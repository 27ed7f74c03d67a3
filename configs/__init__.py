"""The configurations that ship with twinspike, one TOML file each."""
