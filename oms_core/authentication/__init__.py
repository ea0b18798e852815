"""Who calls: API keys are found, remembered and refused."""
