"""Members of an agency: who is shown whom, who confirms, and how a membership ends."""
