"""What every student is: a module from noisy to estimate, built from its own typed config."""

from __future__ import annotations

from pydantic import ConfigDict

from dfkd_core.schema import Config


class StudentBase(Config):
    """What every student's config has: the name of its architecture."""

    model: str


class CustomStudentConfig(StudentBase):
    """A student of the user's own, `model: "package.module:Class"`; other fields go to its constructor."""

    model_config = ConfigDict(extra="allow", frozen=True)
