"""Workflows: steps, and how control flows between them. Pure control flow: who records and who asks is a port."""

from nightdrop.workflows.interpreter import interpret
from nightdrop.workflows.nodes import Condition, Loop, Parallel, Router, Step, Steps
from nightdrop.workflows.port import Answered, Asked, Port
from nightdrop.workflows.spec import WorkflowSpec
from nightdrop.workflows.step_io import StepFile, StepInput, StepOutput, StepRun
from nightdrop.workflows.stored import content_of

__all__ = [
    "Answered",
    "Asked",
    "Condition",
    "Loop",
    "Parallel",
    "Port",
    "Router",
    "Step",
    "StepFile",
    "StepInput",
    "StepOutput",
    "StepRun",
    "Steps",
    "WorkflowSpec",
    "content_of",
    "interpret",
]
