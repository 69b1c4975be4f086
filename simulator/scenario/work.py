"""What users do: how often each action, and how long they look at a page."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from simulator.scenario.fields import Number, Section
from zdu.durations import Duration


class ThinkTime(Section):
    """How long a user looks at a page before the next click; drawn evenly between the two."""

    min: Duration = 0.2
    """The shortest."""
    max: Duration = 0.8
    """The longest."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is longer than max")
        return self


class ActionMix(Section):
    """How often users do what, as weights against each other; 0 is never."""

    view_dashboard: Annotated[Number, Field(ge=0)] = 3.0
    """Open the dashboard."""
    list_issues: Annotated[Number, Field(ge=0)] = 3.0
    """Search issues."""
    view_issue: Annotated[Number, Field(ge=0)] = 8.0
    """Open an issue."""
    create_issue: Annotated[Number, Field(ge=0)] = 2.0
    """Create an issue."""
    edit_issue: Annotated[Number, Field(ge=0)] = 2.0
    """Change an issue."""
    comment_issue: Annotated[Number, Field(ge=0)] = 2.0
    """Comment on an issue."""
    sign_in_again: Annotated[Number, Field(ge=0)] = 0.3
    """Sign out and in again."""
    search_issues: Annotated[Number, Field(ge=0)] = 2.0
    """Search for one of one's own issues; what it does not show yet is judged by the objective `search delay`."""
    view_board: Annotated[Number, Field(ge=0)] = 1.0
    """Open the project's board."""
    transition_issue: Annotated[Number, Field(ge=0)] = 2.0
    """Move one of one's own issues along its workflow, with a comment."""
    bulk_edit: Annotated[Number, Field(ge=0)] = 0.0
    """Comment several of one's own issues over three pages; a session that is lost in between loses the work."""

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not any(weight for _, weight in self):
            raise ValueError("at least one weight must be more than 0")
        return self

    @property
    def weights(self) -> dict[str, float]:
        """Each action's weight, in the order of the file format."""
        return dict(self)
