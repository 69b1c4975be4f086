"""The scenario library: one YAML file each, found by ``zdu scenario list``."""
