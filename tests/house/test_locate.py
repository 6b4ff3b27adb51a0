"""Where state and policy files are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.bundled import bundled_path
from nano_flow.core.errors import UsageError
from nano_flow.locate import policy_files, repository_root, state_folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a workflow's folder two levels down, and files above it that must not count."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    (root / "flows" / "deep").mkdir(parents=True)
    (tmp_path / "routing.yaml").touch()
    return root


def found(folder: Path, config: Path | None = None, current: Path | None = None) -> dict[str, tuple[str, Path]]:
    return {file.name: (file.found, file.path) for file in policy_files(folder, config, current or folder)}


def test_each_file_is_looked_up_on_its_own(repository: Path, tmp_path: Path) -> None:
    deep, config = repository / "flows" / "deep", tmp_path / "config"
    config.mkdir()
    (config / "pricing.yaml").touch()
    (repository / "pricing.yaml").touch()
    (repository / "providers.yaml").touch()
    (repository / "flows" / "providers.yaml").touch()
    assert found(deep, config) == {
        "pricing.yaml": ("config-dir", config / "pricing.yaml"),
        "providers.yaml": ("project", repository / "flows" / "providers.yaml"),
        "routing.yaml": ("bundled", bundled_path("routing.yaml")),
    }


def test_the_walk_ends_at_the_repository(repository: Path) -> None:
    assert found(repository / "flows" / "deep")["routing.yaml"][0] == "bundled"
    (repository / "routing.yaml").touch()
    assert found(repository / "flows" / "deep")["routing.yaml"] == ("project", repository / "routing.yaml")


def test_outside_a_repository_it_ends_at_the_current_folder(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "routing.yaml").touch()
    assert found(deep, current=tmp_path)["routing.yaml"][0] == "project"
    assert found(deep, current=tmp_path / "a")["routing.yaml"][0] == "bundled"
    assert found(deep, current=tmp_path / "a" / "b")["routing.yaml"][0] == "bundled"


def test_a_config_dir_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        policy_files(tmp_path, tmp_path / "missing", tmp_path)


def test_state_lives_in_the_repository_unless_told(repository: Path, tmp_path: Path) -> None:
    deep = repository / "flows"
    assert state_folder(None, {}, deep) == repository / ".nano-flow"
    assert state_folder(None, {"NANO_FLOW_STATE": "s"}, deep) == deep / "s"
    assert state_folder(tmp_path / "t", {"NANO_FLOW_STATE": "s"}, deep) == tmp_path / "t"
    assert state_folder(None, {}, tmp_path) == tmp_path / ".nano-flow"


def test_a_worktree_is_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere")
    (tmp_path / "a").mkdir()
    assert repository_root(tmp_path / "a") == tmp_path
