"""Agents: what to ask a model, and how its answer becomes typed data. The only importer of the model layer."""

from nightdrop.agents.answer import Answer, AnswerRequest, Attachment, answer
from nightdrop.agents.output_schema import OutputSchema
from nightdrop.agents.spec import AgentSpec

__all__ = ["AgentSpec", "Answer", "AnswerRequest", "Attachment", "OutputSchema", "answer"]
