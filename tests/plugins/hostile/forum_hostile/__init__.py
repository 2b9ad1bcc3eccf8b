"""A plugin that does everything wrong at run time; `how` says what, `only` in which hooks (empty: in all)."""
