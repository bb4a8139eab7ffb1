"""The fleet agent: the hardware behind the emulated EC2 instances. README.md says how it works."""
