"""The counted agent in an AgentOS that fires schedules."""

from nightdrop import AgentOS
from tests.crash.counting_app import agent

agent_os = AgentOS(agents=[agent], scheduler=True)
