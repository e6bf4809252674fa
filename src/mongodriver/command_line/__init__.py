"""What the commands of `mongodriver` have in common: which there are, completion, colours."""
