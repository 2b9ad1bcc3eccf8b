"""A tiny plugin of agencies, for the tests of the kernel: it uses every hook that an agency can switch."""
