"""A tiny plugin of the site and of agencies (scope BOTH), with quiet pages, for the tests of the kernel."""
