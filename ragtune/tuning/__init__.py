"""Tuning: what to train on, LoRA through PEFT, and one trainer around TRL's SFT."""
