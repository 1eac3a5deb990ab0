"""Agents: what to ask a model, and how its answer becomes typed data. The only importer of the model layer."""

from nightdrop.agents.answer import answer, recheck
from nightdrop.agents.doubts import doubts_of, sampled
from nightdrop.agents.output_schema import OutputSchema
from nightdrop.agents.ready import check_ready, named_models
from nightdrop.agents.request import Answer, AnswerRequest, Attachment
from nightdrop.agents.retry_policy import Postponed
from nightdrop.agents.spec import LOCAL, AgentSpec, model_id

__all__ = [
    "LOCAL",
    "AgentSpec",
    "Answer",
    "AnswerRequest",
    "Attachment",
    "OutputSchema",
    "Postponed",
    "answer",
    "check_ready",
    "doubts_of",
    "model_id",
    "named_models",
    "recheck",
    "sampled",
]
