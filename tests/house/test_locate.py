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


@pytest.mark.parametrize("mark", [".nano-flow/", "routing.yaml"])
def test_outside_a_repository_state_is_found_from_below(mark: str, tmp_path: Path) -> None:
    deep = tmp_path / "project" / "flows" / "deep"
    deep.mkdir(parents=True)
    assert state_folder(None, {}, deep) == deep / ".nano-flow"
    marked = tmp_path / "project" / mark
    marked.mkdir() if mark.endswith("/") else marked.touch()
    (deep / "providers.yaml").touch()
    assert state_folder(None, {}, deep) == tmp_path / "project" / ".nano-flow"
    assert state_folder(None, {}, tmp_path) == tmp_path / ".nano-flow"


def test_a_workflow_of_the_project_that_one_stands_in_keeps_its_state_there(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "routing.yaml").touch()
    assert state_folder(None, {}, tmp_path, tmp_path / "flows") == tmp_path / ".nano-flow"


def test_a_workflow_of_another_project_keeps_its_state_in_that(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, elsewhere = tmp_path / "other", tmp_path / "elsewhere"
    (other / ".nano-flow").mkdir(parents=True)
    elsewhere.mkdir()
    (tmp_path / "routing.yaml").unlink()
    monkeypatch.chdir(elsewhere)
    assert state_folder(None, {}, elsewhere, Path("../repository/flows")) == repository / ".nano-flow"
    assert state_folder(None, {}, elsewhere, other) == other / ".nano-flow"
    assert state_folder(None, {}, elsewhere, tmp_path) == elsewhere / ".nano-flow"
    assert state_folder(None, {"NANO_FLOW_STATE": "s"}, elsewhere, other) == elsewhere / "s"


def test_what_all_may_write_in_and_the_home_are_no_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "shared" / "mine"
    deep.mkdir(parents=True)
    (tmp_path / "shared" / ".nano-flow").mkdir()
    (tmp_path / "shared").chmod(0o777)
    assert state_folder(None, {}, deep) == deep / ".nano-flow"
    (tmp_path / "shared").chmod(0o755)
    assert state_folder(None, {}, deep) == tmp_path / "shared" / ".nano-flow"
    monkeypatch.setenv("HOME", str(tmp_path / "shared"))
    assert state_folder(None, {}, deep) == deep / ".nano-flow"


def test_a_worktree_is_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere")
    (tmp_path / "a").mkdir()
    assert repository_root(tmp_path / "a") == tmp_path
