"""Who calls: API keys are checked and cached, and failed attempts are bounded."""
