"""Variables that stand in files: the one that ``--env-file`` names, and the ``.env`` beside a project."""

from nano_flow.project.around.env_file import Variables, read_env_file, variables_beside

__all__ = ["Variables", "read_env_file", "variables_beside"]
