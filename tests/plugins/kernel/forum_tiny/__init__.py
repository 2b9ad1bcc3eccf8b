"""A small plugin of both scopes that implements every hook, for the tests of the kernel."""
