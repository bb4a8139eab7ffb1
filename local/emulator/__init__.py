"""The AWS emulator of the local twin: MiniStack, with moto for EC2 and Auto Scaling, and what both lack (README.md)."""
