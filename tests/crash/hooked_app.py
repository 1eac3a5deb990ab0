"""The counted agent in an AgentOS that tells a receiver of every end."""

import os

from nightdrop import AgentOS, Webhook
from tests.crash.counting_app import agent

agent_os = AgentOS(agents=[agent], webhooks=[Webhook(url=os.environ["HOOK_URL"], secret="a secret of the test's own")])
